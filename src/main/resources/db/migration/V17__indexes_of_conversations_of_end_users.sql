-- A caller whose token names an end user lists that end user's conversations, which may be few among millions of the tenant's.
-- Concurrently: see V8.
drop index concurrently if exists conversation_of_end_user;
create index concurrently conversation_of_end_user on conversation (tenant, end_user, id desc) where end_user is not null;
