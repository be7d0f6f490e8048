-- The context of a turn's span, as the W3C's headers traceparent and, after a space, tracestate. Null where nothing is traced. A replica that takes
-- the turn over goes on with its trace.
alter table turn add column trace_context text;
