-- Whether the turn's client repeats requests by itself, so that an equal command is its repeat. The digest of every other command is
-- kept as well: it tells an equal command while the turn runs. The last version keeps a digest for the former alone, hence the default.
alter table turn add column client_repeats boolean not null default true;
-- Who of several speaks in a message: OpenAI's `name`.
alter table message add column name text;
