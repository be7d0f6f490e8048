-- How many turns of a caller run. While it is less than the limit, the transaction holds a lock of the caller until its end, so that no other
-- one begins a turn on the same figure. Counted again under the lock: others may have committed while this one waited for it. A function, and
-- volatile, because each of its statements sees what is committed when it begins; a part of a larger statement would see what was committed
-- before the whole of it.
create function running_turns(of_tenant text, of_caller text, most integer) returns integer language plpgsql volatile as $$
declare
    found_running integer;
begin
    select count(*) into found_running from turn
    where tenant = of_tenant and caller = of_caller and state in ('running', 'awaiting_approval');
    if found_running < most then
        perform pg_advisory_xact_lock(hashtextextended(of_caller, hashtextextended(of_tenant, 0)));
        select count(*) into found_running from turn
        where tenant = of_tenant and caller = of_caller and state in ('running', 'awaiting_approval');
    end if;
    return found_running;
end $$;
