-- A turn keeps the name of its owner for good; the row of a replica goes some time after it has ended. What the foreign key kept is kept
-- by the fence: a turn is given to a row of `replica` only in a transaction that holds that row. The last version's replicas do so, too,
-- and do not notice that the key is gone; its index served the key alone.
-- The replicas first, as every transaction that writes to a turn does.
lock table replica in access exclusive mode;
alter table turn drop constraint turn_owner_fkey;
drop index turn_of_owner;
-- The living are looked up every two seconds, those that are long gone every minute. By no column that a renewal changes, so that a renewal
-- changes no index.
create index replica_alive on replica (incarnation) where alive;
create index replica_gone on replica (started_at) where not alive;
