-- Messages that wait until the turns before them have ended. A turn begins under its message's id, and the same transaction removes the row.
create table queued_message (
    id                  uuid        primary key,
    conversation_id     uuid        not null references conversation on delete cascade,
    -- In the conversation's queue; given under the conversation's lock.
    place               integer     not null,
    tenant              text        not null,
    caller              text        not null,
    end_user            text,
    upstream            text        not null,
    model               text,
    message_external_id text,
    earlier             integer     not null,
    roles               text[]      not null,
    names               text[]      not null,
    parts               text[]      not null,
    request             text        not null,
    idempotency_key     text,
    command_digest      bytea       not null,
    client_repeats      boolean     not null,
    size                integer     not null,
    queued_at           timestamptz not null,
    -- Another message goes first until then.
    not_before          timestamptz not null,
    -- Since when its turn cannot begin for a reason of its own, and that reason; it is final once refused.
    failing_since       timestamptz,
    refused             boolean     not null,
    refusal             text,
    unique (conversation_id, place)
);
create unique index queued_message_key on queued_message (tenant, caller, idempotency_key) where idempotency_key is not null;
create index queued_message_due on queued_message (not_before) where not refused;
create index queued_message_repeated on queued_message (tenant, caller, command_digest) where client_repeats;
-- Whether a turn's message had waited: it counts, whatever becomes of the turn. A nullable column without a default changes no row.
alter table turn add column acknowledged boolean;
