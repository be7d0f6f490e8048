-- How many turns of a caller run is counted whenever one begins of a caller that may have so many only. The index has the turns that run, and
-- those that have ended since it was cleaned.
-- Concurrently, as in V8: the last version's replicas go on beginning turns.
drop index concurrently if exists turn_of_caller;
create index concurrently turn_of_caller on turn (tenant, caller) where state in ('running', 'awaiting_approval');
