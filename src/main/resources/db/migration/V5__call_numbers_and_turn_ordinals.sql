-- Upstreams use a call's id again within a turn. `call_id` and `approval_id` are what callers decide by, unique in the turn; the
-- upstream's own are here where they differ, as JSON strings, for they may hold what text refuses.
alter table tool_approval add column call_number integer;
alter table tool_approval add column upstream_call_id text;
alter table tool_approval add column upstream_approval_id text;

-- The turn's place in its conversation, from 1: an event's id names it. Null for a turn that an earlier version
-- began, whose events have bare numbers: no statement here reads or writes old rows, while which replicas would wait.
alter table conversation add column turns integer not null default 0;
alter table turn add column ordinal integer;
create unique index turn_ordinal on turn (conversation_id, ordinal) where ordinal is not null;
