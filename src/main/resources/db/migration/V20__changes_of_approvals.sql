-- Who follows the inbox asks for the rows that were written since it last looked: each row has the transaction that wrote it last.
-- Neither a time nor a sequence would do, for transactions commit in another order than they take those; a snapshot says which have ended.
-- A trigger, and not the statements of the ledger, for the last version's replicas write rows as well. Null until a row is written again. A
-- nullable column without a default changes no row.
alter table tool_approval add column changed xid8;
create function tool_approval_changed() returns trigger language plpgsql as $$
begin
    new.changed := pg_current_xact_id();
    return new;
end $$;
create trigger tool_approval_changed before insert or update on tool_approval
    for each row execute function tool_approval_changed();
