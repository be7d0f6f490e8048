package io.chatrelay.it;

import java.time.Duration;
import java.util.UUID;

import org.awaitility.Awaitility;

import io.chatrelay.support.Json;
import io.chatrelay.support.it.Postgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.WaitingTurn;

/** Everything that can become of a turn, and everything that a caller can ask, once each: so that the database executes all that it may be asked. */
public final class EveryStatement {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String CHAT = "/run/api/chat";

    private final RelayProcess relay;
    private final RelayClient client;
    private final Postgres database;
    private final String mark = UUID.randomUUID().toString();

    private EveryStatement(RelayProcess relay, Postgres database) {
        this.relay = relay;
        this.client = new RelayClient(relay);
        this.database = database;
    }

    /** @param database of the service, in which {@link ManyMessages} are */
    public static void execute(RelayProcess relay, Postgres database) {
        EveryStatement all = new EveryStatement(relay, database);
        all.turnsThatEnd(ManyMessages.LONG_OF_AGENTS, "agents");
        all.turnsThatEnd(ManyMessages.LONG_OF_CLOUD, "cloud");
        all.instructions();
        String before = all.client.inbox(null).awaitEvents(1).lastId();
        all.approvals();
        all.client.inbox(before).awaitEvents(2);
        all.cancel();
        all.batchWhoseAnswerWasLost();
        all.turnOfAReplicaThatIsGone();
        all.repeats();
        all.queue();
        all.lists();
        all.changes();
    }

    /** @param id of the message, which names an earlier one where it is said anew */
    private void say(String conversation, String model, String id, String text) {
        client.post(CHAT, """
                {"model":"%s","conversationId":"%s","messages":[{"role":"user","id":"%s","content":"%s"}]}"""
                .formatted(model, conversation, id, text));
    }

    private void turnsThatEnd(String conversation, String model) {
        say(conversation, model, "a" + mark, "echo one two three");
        say(conversation, model, "a" + mark, "echo one");
        say(conversation, model, "b" + mark, "400");
        say(conversation, model, "a" + mark, "400");
        // Not in the long one: what tells a run from earlier ones is all of its conversation's turns.
        say(model + mark, model, "c" + mark, "cut 2");
        client.post("/run/v1/chat/completions", """
                {"model":"%s","conversationId":"%s","stream":true,"messages":[{"role":"user","content":"echo four"}]}"""
                .formatted(model, conversation));
    }

    private void instructions() {
        for (String text : new String[]{ "echo five", "400", "echo six" }) {
            client.post(CHAT, """
                    {"model":"cloud","conversationId":"%s","messages":[{"role":"system","content":"It is %s."},
                    {"role":"user","content":"%s"}]}""".formatted(ManyMessages.LONG_OF_CLOUD, text, text));
        }
    }

    private void approvals() {
        WaitingTurn both = new WaitingTurn(client, "agents", "use both approvals").awaitAsked(client, 2);
        client.get("/run/v1/conversations/" + both.conversation());
        client.post(CHAT, RelayClient.body("agents", both.conversation(), "echo too early"));
        client.post("/run/api/tool-approvals", """
                {"conversationId":"%s","turnId":"%s","toolCallId":"%s","approved":true}"""
                .formatted(both.conversation(), both.turn(), both.call(0)));
        both.deny(client, 1, "no");
        WaitingTurn left = new WaitingTurn(client, "agents", "use tool delete_file").awaitAsked(client, 1);
        client.post("/run/api/chat", RelayClient.body("agents", left.conversation(), "echo meanwhile"));
        client.cancel(left.conversation());
        awaitEnded(both.turn());
        awaitEnded(left.turn());
    }

    private void cancel() {
        SseStream slow = client.chat("cloud", "cancelled-" + mark, "slow 100").awaitEvents(3);
        client.cancel("cancelled-" + mark);
        slow.awaitEnd();
        client.replay("cancelled-" + mark, slow.turn()).awaitEnd();
    }

    /** Messages that wait: repeated, looked at, withdrawn, and begun. */
    private void queue() {
        String conversation = "queued-" + mark;
        SseStream first = client.chat("agents", conversation, "words 400 20").awaitEvents(3);
        RelayClient ahead = client.with("x-on-running", "enqueue");
        for (int i = 0; i < 2; i++) {
            ahead.chat("agents", conversation, "echo one", "ahead-" + mark).awaitEnd();
            ahead.with("x-stainless-retry-count", "" + i).chat("agents", conversation, "echo two").awaitEnd();
            client.post(CHAT,
                    """
                            {"conversationId":"%s","onRunning":"enqueue","messages":[{"role":"user","id":"q","content":"echo three"}]}"""
                            .formatted(conversation));
        }
        String queue = "/run/v1/conversations/%s/queue".formatted(conversation);
        String last = client.get(queue).at("/data/2/id").asText();
        client.ask("/run/v1/conversations/%s/stream?turn=%s".formatted(conversation, last));
        client.send("DELETE", queue + "/" + last, "");
        client.send("DELETE", queue + "/" + last, "");
        client.cancel(conversation);
        first.awaitEnd();
        Awaitility.await().atMost(PATIENCE).until(() -> client.get(queue).path("data").isEmpty());
    }

    /** A request that comes again, with a key and without, and one that makes room for itself. */
    private void repeats() {
        String conversation = "repeated-" + mark;
        SseStream first = client.chat("agents", conversation, "words 400 20", "key-" + mark).awaitEvents(3);
        client.chat("agents", conversation, "words 400 20", "key-" + mark).awaitEvents(3);
        client.readOn(conversation, first.lastId()).awaitEvents(1);
        RelayClient replacing = client.with("x-on-running", "cancel");
        SseStream second = replacing.chat("agents", conversation, "words 400 20").awaitEvents(3);
        replacing.with("x-stainless-retry-count", "1").chat("agents", conversation, "words 400 20").awaitEvents(3);
        client.with("last-event-id", second.lastId()).chat("agents", conversation, "words 400 20").awaitEvents(1);
        client.post("/run/v1/conversations/" + conversation + "/cancel", "{\"turnId\":\"%s\"}".formatted(second.turn()));
        second.awaitEnd();
        client.readOn(conversation, "1.2").awaitEnd();
    }

    /** The same rows are found stored when the writer stores them, as after a commit of whose answer nobody heard. */
    private void batchWhoseAnswerWasLost() {
        database.execute("""
                create function store_first() returns trigger language plpgsql as $$
                begin
                    if position('lost-answer'::bytea in new.events) > 0 and pg_trigger_depth() = 1 then
                        insert into turn_event values (new.*);
                    end if;
                    return new;
                end $$""",
                "create trigger store_first before insert on turn_event for each row execute function store_first()");
        say("lost-" + mark, "cloud", "l" + mark, "echo a lost-answer b");
        database.execute("drop trigger store_first on turn_event", "drop function store_first");
    }

    private void turnOfAReplicaThatIsGone() {
        UUID replica = UUID.randomUUID();
        UUID turn = UUID.randomUUID();
        database.execute("insert into replica (incarnation, lease_end, alive) values ('%s', now(), false)".formatted(replica),
                """
                        insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position, caller,
                                          started_at)
                        select '%s', tenant, id, 'running', '%s', upstream, upstream, '%s', next_position, 'it', clock_timestamp()
                        from conversation where external_id = 'lost-%s'"""
                        .formatted(turn, replica, UUID.randomUUID(), mark));
        awaitEnded(turn);
    }

    private void lists() {
        client.get("/run/v1/conversations?limit=100");
        client.get("/run/v1/conversations/" + ManyMessages.LONG_OF_CLOUD + "?include=messages");
        client.get("/run/v1/conversations/" + ManyMessages.LONG_OF_AGENTS + "/messages?order=asc&limit=100");
        client.get("/run/v1/conversations/" + ManyMessages.LONG_OF_AGENTS + "/pending-approvals");
        client.get("/run/v1/tool-approvals?limit=100");
        client.get("/run/v1/tool-approvals?state=pending");
        client.get("/run/v1/tool-approvals?conversationId=" + ManyMessages.LONG_OF_AGENTS);
        String approval = database.text("select id from tool_approval order by id desc limit 1");
        client.get("/run/v1/tool-approvals/" + approval);
        client.get("/run/v1/models");
    }

    private void changes() {
        String conversation = "/run/v1/conversations/cancelled-" + mark;
        client.send("PATCH", conversation, "{\"title\":\"changed\",\"properties\":{\"a\":1}}");
        String turn = database.text(
                "select t.id from turn t join conversation c on c.id = t.conversation_id where external_id = 'cancelled-%s'"
                        .formatted(mark));
        client.post(conversation + "/stream-tokens", "{}");
        String url = Json.read(client.post(conversation + "/stream-tokens", "{\"turnId\":\"%s\"}".formatted(turn)).body())
                .path("url").asText();
        RelayProcess.get(relay.api().resolve(url));
        client.send("DELETE", conversation, "");
    }

    private void awaitEnded(UUID turn) {
        Awaitility.await("the end of turn " + turn).atMost(PATIENCE).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20)).until(
                        () -> database
                                .number("select count(*) from turn where id = '%s' and ended_at is not null"
                                        .formatted(turn)) == 1);
    }
}
