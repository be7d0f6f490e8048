-- For whom a turn was sent: who may decide what its tools ask for may depend on it. Several end users may write in one conversation.
-- Null where the last version wrote the row: the conversation's counts then. A nullable column without a default changes no row.
alter table turn add column end_user text;
