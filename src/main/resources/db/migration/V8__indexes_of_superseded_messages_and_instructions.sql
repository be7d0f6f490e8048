-- A turn that is refused before its first event gives back what it had superseded, in the transaction of the journal that all turns
-- share: without an index each refusal reads all messages, and every stream waits for that.
-- Instructions are looked up by every send to an upstream without memory; a conversation may have many messages and few instructions.
--
-- Concurrently, for the last version's replicas go on storing messages, and a plain `create index` keeps them waiting for as long as it
-- reads the table. Flyway runs such statements outside a transaction (see MigrationSettings). A build that broke off leaves an index that
-- is invalid, which `if not exists` would take for the index: it is dropped, and built anew.
drop index concurrently if exists message_superseded;
create index concurrently message_superseded on message (superseded_by) where superseded_by is not null;
drop index concurrently if exists message_instructions;
create index concurrently message_instructions on message (conversation_id, position)
    where role = 'system' and superseded_by is null;
