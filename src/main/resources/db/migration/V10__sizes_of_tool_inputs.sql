-- Bytes of what is large in a row, so that a page ends before it holds too much, and nothing is unpacked only to be measured. Null where
-- the last version wrote the row: those are measured when they are asked for. A nullable column without a default changes no row.
-- One table a migration: a transaction that locks several would meet turns that lock them in another order.
alter table tool_approval add column size integer;
