-- One process of the service, by its lease. `alive` is set to false once, by whoever takes over after lease_end.
create table replica (
    incarnation uuid primary key,
    started_at  timestamptz not null default clock_timestamp(),
    renewed_at  timestamptz not null default clock_timestamp(),
    lease_end   timestamptz not null,
    alive       boolean     not null default true
);

create table conversation (
    id            uuid        primary key,
    tenant        text        not null,
    -- The caller's id; what Inkeep is given is `id`, so that two tenants behind one Inkeep key never share a history.
    external_id   text        not null,
    caller        text        not null,
    end_user      text,
    upstream      text        not null,
    title         text,
    properties    jsonb       not null default '{}',
    next_position integer     not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    constraint conversation_external_id unique (tenant, external_id)
);
create index conversation_page on conversation (tenant, id desc);

create table turn (
    id                uuid        primary key,
    tenant            text        not null,
    conversation_id   uuid        not null references conversation (id) on delete cascade,
    state             text        not null
        check (state in ('running', 'awaiting_approval', 'completed', 'failed', 'cancelled', 'interrupted')),
    owner             uuid        not null references replica (incarnation),
    upstream          text        not null,
    model             text        not null,
    -- The assistant's message: its id is the same in every replay of the stream, its place is kept while the turn runs.
    message_id        uuid        not null,
    message_position  integer     not null,
    -- Inkeep's own id of the answer, by which a run that is read again is known to be this one.
    upstream_position text,
    caller            text        not null,
    idempotency_key   text,
    command_digest    bytea,
    cancel_asked_at   timestamptz,
    finish_reason     text,
    error_code        text,
    error_message     text,
    last_event        bigint      not null default 0,
    started_at        timestamptz not null,
    ended_at          timestamptz,
    -- Whether its rows in turn_event were rewritten into few, after its end.
    compacted         boolean     not null default false
);
create index turn_to_compact on turn (ended_at) where ended_at is not null and not compacted;
create unique index turn_one_running on turn (conversation_id) where state in ('running', 'awaiting_approval');
create unique index turn_idempotency on turn (tenant, caller, idempotency_key) where idempotency_key is not null;
create index turn_of_conversation on turn (conversation_id, id desc);
create index turn_of_replica on turn (owner) where state in ('running', 'awaiting_approval');
create index turn_of_owner on turn (owner);
create index turn_by_digest on turn (tenant, caller, command_digest, started_at desc) where command_digest is not null;

create table message (
    id              uuid        primary key,
    conversation_id uuid        not null references conversation (id) on delete cascade,
    turn_id         uuid        references turn (id) on delete cascade,
    position        integer     not null,
    external_id     text,
    role            text        not null check (role in ('system', 'user', 'assistant', 'tool')),
    parts           jsonb       not null,
    model           text,
    finish_reason   text,
    usage           jsonb,
    -- Set when the user's message was edited or its answer regenerated: kept, but no longer part of the conversation.
    superseded_by   uuid,
    created_at      timestamptz not null,
    constraint message_position unique (conversation_id, position)
);
create index message_of_turn on message (turn_id);
create unique index message_external_id on message (conversation_id, external_id)
    where external_id is not null and superseded_by is null;

-- One row a turn and batch. No foreign key: it would lock the turn's row once more for every batch, and rows of a turn
-- are written only under the owner's fence and erased together with the turn, which cannot run then.
-- bytea, not json or jsonb: an event may carry what both refuse (a zero character, half of a surrogate pair).
create table turn_event (
    turn_id uuid   not null,
    first   bigint not null,
    last    bigint not null,
    events  bytea  not null,
    primary key (turn_id, first)
);
