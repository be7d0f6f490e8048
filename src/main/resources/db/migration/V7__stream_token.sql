-- What lets a reader that cannot send a key, such as a browser's EventSource, read one stream for some minutes. Any replica knows it.
-- The token itself is never stored: `digest` is its SHA-256.
create table stream_token (
    digest          bytea       primary key,
    tenant          text        not null,
    caller          text        not null,
    conversation_id uuid        not null references conversation (id) on delete cascade,
    -- The only turn that it opens; null for whichever runs, or is named.
    turn_id         uuid        references turn (id) on delete cascade,
    expires_at      timestamptz not null
);
create index stream_token_expiry on stream_token (expires_at);
create index stream_token_of_conversation on stream_token (conversation_id);
create index stream_token_of_turn on stream_token (turn_id) where turn_id is not null;
