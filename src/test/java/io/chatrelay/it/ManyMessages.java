package io.chatrelay.it;

import java.util.UUID;

import io.chatrelay.support.it.Postgres;

/**
 * A store as years of use leave it: conversations of ten turns, two that are long (one of each kind of upstream), turns that were said anew,
 * decisions, replicas that are gone; and statistics.
 */
public final class ManyMessages {

    /** Of the caller's tenant: the long conversations. */
    public static final String LONG_OF_AGENTS = "seeded-1";
    public static final String LONG_OF_CLOUD = "seeded-2";

    private static final int TURNS_OF_SHORT = 10;

    private ManyMessages() {}

    /** How many conversations so many messages are in. */
    public static int conversations(int messages) {
        return shortOnes(messages / 2) / TURNS_OF_SHORT;
    }

    /** The position of the newest message in each of the long conversations. */
    public static int positionsOfLong(int messages) {
        return 20 + messages / 2 / 50 / 2 * 2;
    }

    /** The service's own id of the conversation with this number. */
    public static UUID idOfConversation(int number) {
        return UUID.fromString("%08x-0000-7000-8000-%012x".formatted(1, number));
    }

    /** Every fiftieth turn is in a long conversation. */
    private static int shortOnes(int turns) {
        return turns - turns / 50;
    }

    /** Stores so many messages, into tables as the service has made them. */
    public static void seed(Postgres database, int messages) {
        int turns = messages / 2;
        int shortOnes = shortOnes(turns);
        String ids = """
                create function pg_temp.id(kind int, n bigint) returns uuid language sql immutable as
                $$ select (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$""";
        // Where each turn is: every fiftieth is in one of the long ones, after their first ten.
        String seeded = """
                create temporary table seeded as
                select t, case when t < %1$d then t / 10 + 1 else t %% 2 + 1 end as conversation,
                       case when t < %1$d then t %% 10 * 2 + 1 else 21 + (t - %1$d) / 2 * 2 end as position
                from generate_series(0, %2$d - 1) t""".formatted(shortOnes, turns);
        database.execute(
                """
                        begin; set local session_replication_role = replica; set local synchronous_commit = off;
                        %s; %s;
                        insert into replica (incarnation, lease_end, alive)
                        select pg_temp.id(9, n), clock_timestamp(), false from generate_series(1, 1000) n;
                        insert into conversation (id, tenant, external_id, caller, upstream, next_position, turns, created_at, updated_at)
                        select pg_temp.id(1, c), 'it', 'seeded-' || c, 'it', case c %% 2 when 1 then 'agents' else 'cloud' end, 21 + %d, 10 + %d,
                               now(), now()
                        from (select distinct conversation as c from seeded) s;
                        insert into turn (id, tenant, conversation_id, ordinal, state, owner, upstream, model, message_id, message_position, caller,
                                          last_event, started_at, ended_at, compacted)
                        select pg_temp.id(2, t), 'it', pg_temp.id(1, conversation), (position + 1) / 2, 'completed', pg_temp.id(9, t %% 1000 + 1),
                               u, u, pg_temp.id(4, t), position + 1, 'it', 9, now() - interval '1 day', now() - interval '1 day', true
                        from seeded, lateral (select case conversation %% 2 when 1 then 'agents' else 'cloud' end as u) upstream;
                        insert into message (id, conversation_id, turn_id, position, external_id, role, parts, superseded_by, created_at)
                        select case side when 0 then pg_temp.id(3, t) else pg_temp.id(4, t) end, pg_temp.id(1, conversation), pg_temp.id(2, t),
                               position + side, 'm-' || t || '-' || side, case side when 0 then 'user' else 'assistant' end,
                               jsonb_build_array(jsonb_build_object('type', 'text', 'text', repeat('word' || t || ' ', 12))),
                               case when t %% 25 = 0 then pg_temp.id(2, t + 1) end, now()
                        from seeded, generate_series(0, 1) side;
                        insert into message (id, conversation_id, position, role, parts, created_at)
                        select pg_temp.id(5, n), pg_temp.id(1, 2), -n, 'system', '[{"type":"text","text":"It is noon."}]', now()
                        from generate_series(1, 300) n;
                        insert into turn_event (turn_id, first, last, events)
                        select pg_temp.id(2, t), 1, 9, convert_to('{"t":"of long ago"}', 'UTF8') from seeded;
                        insert into tool_approval (id, tenant, conversation_id, turn_id, call_id, approval_id, tool_name, input, input_digest, state,
                                                   asked_at, expires_at, send_before, decided_at, outcome, outcome_at)
                        select pg_temp.id(6, t), 'it', pg_temp.id(1, conversation), pg_temp.id(2, t), 'call-' || t, 'ask-' || t, 'delete_file', '{}', '',
                               'approved', now(), now(), now(), now(), 'executed', now() from seeded where t %% 10 = 0;
                        commit"""
                        .formatted(ids, seeded, turns / 50, turns / 100),
                "vacuum analyze");
    }
}
