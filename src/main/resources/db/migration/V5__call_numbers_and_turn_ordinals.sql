-- Upstreams use a call's id again within a turn. `call_id` and `approval_id` are what callers decide by, unique in the turn; the
-- upstream's own are here where they differ, as JSON strings, for they may hold what text refuses.
alter table tool_approval add column call_number integer;
alter table tool_approval add column upstream_call_id text;
alter table tool_approval add column upstream_approval_id text;

-- The turn's place in its conversation, from 1: an event's id names it. Null for a turn that a replica of an earlier version begins
-- while this runs.
alter table conversation add column turns integer not null default 0;
alter table turn add column ordinal integer;
update turn t set ordinal = n.ordinal
from (select id, row_number() over (partition by conversation_id order by id) as ordinal from turn) n where n.id = t.id;
update conversation c set turns = n.turns
from (select conversation_id, count(*) as turns from turn group by conversation_id) n where n.conversation_id = c.id;
create unique index turn_ordinal on turn (conversation_id, ordinal) where ordinal is not null;
