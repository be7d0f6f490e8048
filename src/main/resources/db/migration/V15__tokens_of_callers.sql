-- The tokens that callers with a limit have used on a day (UTC), by the usage that upstreams tell. Each replica adds what it has counted once a
-- second, and reads what all have added.
create table caller_tokens (
    day    date   not null,
    tenant text   not null,
    caller text   not null,
    tokens bigint not null,
    primary key (day, tenant, caller)
);
