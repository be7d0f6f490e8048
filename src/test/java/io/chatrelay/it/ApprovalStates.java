package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.awaitility.Awaitility;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.WaitingTurn;

/** The turns of a process that was killed, each in another state of its approval, and Inkeep, which heard nothing of its death. */
final class ApprovalStates implements AutoCloseable {

    static final String REASON = "not on a Friday";
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final String CLASSIC = "agents";
    private static final String DURABLE = "agents-durable";
    private static final String EXECUTIONS = "agents-executions";
    private static final String LEGACY = "agents-legacy";
    private static final String DELETE = "use tool delete_file";

    // What nobody had decided when the process was killed.
    WaitingTurn waits;
    WaitingTurn waitsDurably;
    WaitingTurn waitsForAnExecution;
    /** For the third time. */
    WaitingTurn waitsAgain;
    WaitingTurn waitsAgainDurably;
    WaitingTurn decidedEarly;
    WaitingTurn deniedEarlyDurably;
    WaitingTurn cannotBeFollowed;
    WaitingTurn expires;
    WaitingTurn expiresTooLate;
    // What was decided, and not sent.
    WaitingTurn unsent;
    WaitingTurn unsentDurably;
    /** Of which the ledger says that it was sent. */
    WaitingTurn recorded;
    WaitingTurn half;
    WaitingTurn halfDurably;
    // What was sent, and nobody knew more.
    WaitingTurn unacknowledged;
    WaitingTurn denialUnacknowledged;
    WaitingTurn unacknowledgedDurably;
    WaitingTurn unheard;
    WaitingTurn unheardYet;
    WaitingTurn unheardDurably;
    // What was sent and acknowledged, and had no outcome.
    WaitingTurn acknowledged;

    final List<WaitingTurn> all = new ArrayList<>();
    private final TestPostgres database;
    private final InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);

    /** Asks and decides, and kills the process. @param database with nothing in it */
    ApprovalStates(TestPostgres database) {
        this.database = database;
        try (RelayProcess first = setup().start(); SendGate gate = new SendGate(database)) {
            RelayClient asking = new RelayClient(first);
            ask(asking);
            decide(asking, gate);
            first.kill9();
            for (WaitingTurn turn : List.of(unsent, unsentDurably, recorded)) {
                gate.cut(turn.approval(0), 1);
            }
            gate.cut(unheard.approval(0), 2);
            gate.cut(unheardDurably.approval(0), 2);
        }
        assertWhatIsLeft();
        // As if the process had died between this record and the call, where nothing outside of it can stop it.
        database.execute("update tool_approval set attempts = 1, sent_at = clock_timestamp() where id = '%s'"
                .formatted(recorded.approval(0)));
        timeIsUp(expires, false);
        timeIsUp(expiresTooLate, true);
        // Its turns are its own until the test says otherwise, however long the next process takes to start.
        database.execute("update replica set lease_end = clock_timestamp() + interval '1 hour'");
    }

    /** From now on the turns of the killed process may be taken over. */
    void leaseEnds(RelayProcess again) {
        assertThat(again.output()).as("decided while the turns were still the dead process'").doesNotContain("is taken over");
        database.execute(
                "update replica set lease_end = clock_timestamp() where lease_end > clock_timestamp() + interval '30 minutes'");
    }

    /** Another process at the same database and the same Inkeep. */
    RelayProcess startAgain() {
        return setup().start();
    }

    @Override
    public void close() {
        inkeep.close();
    }

    private RelayProcess.Setup setup() {
        // A call that Inkeep does not answer is unknown when its process dies, and not before, however slow the machine.
        return RelayProcess.on(database, inkeep).with("chat-relay.upstreams.agents.approval-timeout", "90s")
                // A send that the gate holds is not given up, and tried once more behind it, before the process is killed.
                .with("chat-relay.database.answer-within", "1m")
                .agents(DURABLE, inkeep.agentsUrl())
                .with("chat-relay.upstreams.agents-durable.execution-mode", "durable")
                .agents(EXECUTIONS, inkeep.agentsUrl())
                .with("chat-relay.upstreams.agents-executions.execution-mode", "durable")
                .with("chat-relay.upstreams.agents-executions.approvals", "executions")
                .agents(LEGACY, inkeep.legacyUrl());
    }

    private WaitingTurn asks(RelayClient asking, String upstream, String text) {
        WaitingTurn turn = new WaitingTurn(asking, upstream, text);
        all.add(turn);
        return turn;
    }

    private void ask(RelayClient first) {
        waits = asks(first, CLASSIC, DELETE);
        waitsDurably = asks(first, DURABLE, DELETE);
        waitsForAnExecution = asks(first, EXECUTIONS, DELETE);
        waitsAgain = asks(first, CLASSIC, "use three in turn");
        waitsAgainDurably = asks(first, DURABLE, "use three in turn");
        decidedEarly = asks(first, CLASSIC, DELETE);
        deniedEarlyDurably = asks(first, DURABLE, DELETE);
        cannotBeFollowed = asks(first, LEGACY, DELETE);
        expires = asks(first, CLASSIC, DELETE);
        expiresTooLate = asks(first, CLASSIC, DELETE);
        unsent = asks(first, CLASSIC, DELETE);
        unsentDurably = asks(first, DURABLE, DELETE);
        recorded = asks(first, CLASSIC, DELETE);
        half = asks(first, CLASSIC, "use both approvals");
        halfDurably = asks(first, DURABLE, "use both approvals");
        unacknowledged = asks(first, CLASSIC, DELETE + " ack-slow 120000 slow 12000");
        // Told, and heard some seconds later: an agent that is denied a tool answers at once.
        denialUnacknowledged = asks(first, CLASSIC, DELETE + " unheard-slow 12000");
        unacknowledgedDurably = asks(first, DURABLE, DELETE + " ack-slow 120000 slow 12000");
        unheard = asks(first, CLASSIC, DELETE + " ack-lost-unheard");
        unheardYet = asks(first, CLASSIC, DELETE + " unheard-slow 60000");
        unheardDurably = asks(first, DURABLE, DELETE + " ack-lost-unheard");
        acknowledged = asks(first, CLASSIC, DELETE + " slow 20000");
        for (WaitingTurn turn : all) {
            turn.awaitAsked(first, turn == half || turn == halfDurably ? 2 : 1);
        }
    }

    /** Brings each as far as it is to be when the process is killed; what goes on without it last. */
    private void decide(RelayClient first, SendGate gate) {
        for (int asked = 1; asked < 3; asked++) {
            for (WaitingTurn turn : List.of(waitsAgain, waitsAgainDurably)) {
                turn.approve(first, asked - 1).awaitAsked(first, asked + 1);
            }
        }
        half.approve(first, 0);
        halfDurably.approve(first, 0);
        await("the first of two outcomes", half, "outcome is not null");
        await("the first of two outcomes", halfDurably, "outcome is not null");
        for (WaitingTurn turn : List.of(unsent, unsentDurably, recorded)) {
            gate.hold(turn.approval(0), 1);
            turn.approve(first, 0);
        }
        for (WaitingTurn turn : List.of(unheard, unheardDurably)) {
            gate.hold(turn.approval(0), 2);
            turn.approve(first, 0);
        }
        Awaitility.await("stored, and held before they are sent").atMost(PATIENCE).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> gate.holds(unsent.approval(0), 1) && gate.holds(unsentDurably.approval(0), 1)
                        && gate.holds(recorded.approval(0), 1) && gate.holds(unheard.approval(0), 2)
                        && gate.holds(unheardDurably.approval(0), 2));
        for (WaitingTurn turn : List.of(acknowledged, unheardYet, unacknowledged, unacknowledgedDurably)) {
            turn.approve(first, 0);
            awaitTold(turn, 1);
        }
        denialUnacknowledged.deny(first, 0, REASON);
        awaitTold(denialUnacknowledged, 1);
        await("the acknowledgement", acknowledged, "acknowledged_at is not null");
    }

    private void assertWhatIsLeft() {
        for (WaitingTurn unsaid : List.of(unsent, unsentDurably, recorded)) {
            assertThat(is(unsaid, "state = 'approved' and attempts = 0")).as("stored, and never sent: %s", unsaid).isTrue();
            assertThat(told(unsaid, 0)).isEmpty();
        }
        for (WaitingTurn sent : List.of(unacknowledged, denialUnacknowledged, unacknowledgedDurably, unheard, unheardYet,
                unheardDurably)) {
            assertThat(is(sent, "attempts = 1 and acknowledged_at is null and outcome is null"))
                    .as("sent once, and nobody knows more: %s", sent).isTrue();
        }
    }

    /** What became of a turn's first decision, as the ledger has it. */
    private boolean is(WaitingTurn turn, String condition) {
        return database.number("select count(*) from tool_approval where id = '%s' and %s".formatted(turn.approval(0),
                condition)) == 1;
    }

    private void await(String what, WaitingTurn turn, String condition) {
        Awaitility.await(what).atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .until(() -> is(turn, condition));
    }

    /** Its expiry passes while nobody runs. @param window whether what Inkeep can be told in time has passed, too */
    private void timeIsUp(WaitingTurn turn, boolean window) {
        database.execute("""
                update tool_approval
                set expires_at = clock_timestamp(), send_before = case when %s then clock_timestamp() else send_before end
                where id = '%s'""".formatted(window, turn.approval(0)));
    }

    /** How often the first decision was sent, as the ledger has it. */
    long attempts(WaitingTurn turn) {
        return database.number("select attempts from tool_approval where id = '%s'".formatted(turn.approval(0)));
    }

    /** What Inkeep was told about a call, in order. */
    List<JsonNode> told(WaitingTurn turn, int call) {
        return turn.told(inkeep.port(), call);
    }

    private void awaitTold(WaitingTurn turn, int times) {
        Awaitility.await(times + " decisions at Inkeep").atMost(PATIENCE).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> told(turn, 0).size() == times);
    }
}
