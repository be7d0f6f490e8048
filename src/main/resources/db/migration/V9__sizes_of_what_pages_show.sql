-- Bytes of what is large in a row, so that a page ends before it holds too much, and nothing is unpacked only to be measured. Null where
-- the last version wrote the row: those are measured when they are asked for. Nullable columns without a default change no row.
alter table message add column size integer;
alter table tool_approval add column size integer;
alter table conversation add column properties_size integer;
