-- The replicas look twice a second for the approvals that were written since they last looked, and there are few of them.
-- Concurrently: see V8.
drop index concurrently if exists tool_approval_changed;
create index concurrently tool_approval_changed on tool_approval (changed, id) where changed is not null;
