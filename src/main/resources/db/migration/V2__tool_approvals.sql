-- The ledger of approvals: what was asked, what was decided, when it was told, and what came of it. `state` changes once, by
-- compare-and-set; every other column is written once, except how often it was sent.
create table tool_approval (
    id              uuid        primary key,
    tenant          text        not null,
    conversation_id uuid        not null references conversation (id) on delete cascade,
    turn_id         uuid        not null references turn (id) on delete cascade,
    call_id         text        not null,
    approval_id     text        not null,
    tool_name       text        not null,
    -- The JSON as it came, and the SHA-256 of its canonical form (RFC 8785). Text: json types refuse what a model may write.
    input           text        not null,
    input_digest    bytea       not null,
    state           text        not null default 'pending'
        check (state in ('pending', 'approved', 'denied', 'expired', 'superseded')),
    asked_at        timestamptz not null,
    expires_at      timestamptz not null,
    -- Inkeep does harm with a decision that comes later, so none is sent.
    send_before     timestamptz not null,
    decided_at      timestamptz,
    decided_by      text,
    decided_for     text,
    reason          text,
    -- The outbox: sent once or more, until Inkeep acknowledged it or its outcome is in the stream.
    attempts        integer     not null default 0,
    sent_at         timestamptz,
    acknowledged_at timestamptz,
    -- The proof: the tool's outcome in the stream.
    outcome         text        check (outcome in ('executed', 'failed', 'denied')),
    outcome_at      timestamptz,
    constraint tool_approval_call unique (turn_id, call_id),
    constraint tool_approval_decided check ((state = 'pending') = (decided_at is null))
);
create index tool_approval_page on tool_approval (tenant, id desc);
create index tool_approval_state_page on tool_approval (tenant, state, id desc);
create index tool_approval_of_conversation on tool_approval (conversation_id, id desc);
create index tool_approval_of_call on tool_approval (conversation_id, call_id, id desc);
create index tool_approval_pending on tool_approval (turn_id) where state = 'pending';
