package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.List;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.ApprovalSteps;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.WaitingTurn;
import io.chatrelay.support.sse.SseEvent;

/**
 * {@code kill -9} loses no decision and doubles none, whatever had become of it. All turns are in one process, each in another
 * state of its approval, when that process is killed; another is started at the same database, and takes them over.
 */
@Order(3)
class ApprovalRestartIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static ApprovalStates left;
    private static RelayProcess relay;
    private static RelayClient client;

    @BeforeAll
    static void killAndStartAgain() {
        left = new ApprovalStates(DATABASE);
        relay = left.startAgain();
        client = new RelayClient(relay);
        left.all.forEach(turn -> turn.comeBack(client));
        left.decidedEarly.approve(client, 0);
        left.deniedEarlyDurably.deny(client, 0, ApprovalStates.REASON);
        left.cannotBeFollowed.approve(client, 0);
        left.leaseEnds(relay);
    }

    @AfterAll
    static void stop() {
        if (relay != null) {
            relay.close();
        }
        if (left != null) {
            left.close();
        }
    }

    private static void awaitTakeOver(WaitingTurn turn) {
        Awaitility.await("the take-over").atMost(ApprovalStates.PATIENCE)
                .until(() -> relay.output().contains("turn %s is taken over".formatted(turn.turn())));
    }

    private static void assertState(WaitingTurn turn, String state) {
        assertThat(DATABASE.text("select state from turn where id = '%s'".formatted(turn.turn()))).isEqualTo(state);
    }

    /** Read to its end as one answer, in which each call has one outcome. */
    private static void assertCompletes(WaitingTurn turn, String... outcomes) {
        List<SseEvent> whole = turn.awaitWhole(client);
        assertThat(turn.end()).isEqualTo("[DONE]");
        for (int call = 0; call < outcomes.length; call++) {
            assertThat(WaitingTurn.outcomes(whole, turn.call(call))).containsExactly(outcomes[call]);
        }
        assertState(turn, "completed");
        turn.assertIsFree(client);
    }

    private static void assertEnds(WaitingTurn turn, String state) {
        List<SseEvent> whole = turn.awaitWhole(client);
        assertThat(turn.end()).isEqualTo("error");
        assertThat(WaitingTurn.outcomes(whole, turn.call(0))).as("whatever ends a turn settles its calls")
                .containsExactly("tool-output-error");
        assertState(turn, state);
        turn.assertIsFree(client);
    }

    /** The acknowledgement may come after the end of the turn, so it is waited for. */
    private static void assertSteps(WaitingTurn turn, int call, String... steps) {
        Awaitility.await("the steps of " + turn).atMost(ApprovalStates.PATIENCE)
                .untilAsserted(() -> ApprovalSteps.assertAre(turn.history(client, call), steps));
    }

    private static void assertToldOnce(WaitingTurn turn) {
        assertThat(left.told(turn, 0)).hasSize(1);
    }

    @Test
    void aDecisionAfterTheTakeOverIsSentOnce() {
        for (WaitingTurn turn : List.of(left.waits, left.waitsDurably, left.waitsForAnExecution)) {
            awaitTakeOver(turn);
            assertThat(left.told(turn, 0)).isEmpty();
            turn.approve(client, 0);
        }
        for (WaitingTurn turn : List.of(left.waits, left.waitsDurably, left.waitsForAnExecution)) {
            assertCompletes(turn, "tool-output-available");
            assertToldOnce(turn);
            assertSteps(turn, 0, "proposed", "approved", "sent",
                    "acknowledged", "delivered", "executed");
        }
    }

    @Test
    void aDecisionBeforeTheTakeOverIsSentOnceAfterIt() {
        assertCompletes(left.decidedEarly, "tool-output-available");
        assertToldOnce(left.decidedEarly);
        assertSteps(left.decidedEarly, 0, "proposed", "approved", "sent", "acknowledged",
                "delivered", "executed");

        assertCompletes(left.deniedEarlyDurably, "tool-output-denied");
        assertToldOnce(left.deniedEarlyDurably);
        assertThat(left.told(left.deniedEarlyDurably, 0).getFirst().findValuesAsText("reason"))
                .containsExactly(ApprovalStates.REASON);
        assertSteps(left.deniedEarlyDurably, 0, "proposed", "denied", "sent", "acknowledged",
                "delivered", "denied");
    }

    @Test
    void whatWasStoredAndNotSentIsSentOnce() {
        for (WaitingTurn turn : List.of(left.unsent, left.unsentDurably)) {
            assertCompletes(turn, "tool-output-available");
            assertToldOnce(turn);
            assertThat(left.attempts(turn)).isEqualTo(1);
            assertSteps(turn, 0, "proposed", "approved", "sent", "acknowledged", "delivered",
                    "executed");
        }
    }

    @Test
    void whatWasRecordedAsSentAndWasNotIsSentOnce() {
        assertCompletes(left.recorded, "tool-output-available");
        assertToldOnce(left.recorded);
        assertThat(left.attempts(left.recorded)).isEqualTo(2);
    }

    @Test
    void whatWasSentIsNotSentAgainOnceItsOutcomeIsSeen() {
        assertCompletes(left.unacknowledged, "tool-output-available");
        assertToldOnce(left.unacknowledged);
        assertSteps(left.unacknowledged, 0, "proposed", "approved", "sent", "delivered",
                "executed");

        assertCompletes(left.denialUnacknowledged, "tool-output-denied");
        assertToldOnce(left.denialUnacknowledged);
        assertThat(left.denialUnacknowledged.ledger(client, 0).path("reason").asText()).isEqualTo(ApprovalStates.REASON);
        assertSteps(left.denialUnacknowledged, 0, "proposed", "denied", "sent", "delivered",
                "denied");
    }

    @Test
    void whatWasAcknowledgedIsNotSentAgainThoughItsToolStillRuns() {
        assertCompletes(left.acknowledged, "tool-output-available");
        assertToldOnce(left.acknowledged);
        assertSteps(left.acknowledged, 0, "proposed", "approved", "sent", "acknowledged",
                "delivered", "executed");
    }

    @Test
    void whatInkeepNeverHeardIsSentAgainAsItWas() {
        for (WaitingTurn turn : List.of(left.unheard, left.unheardYet)) {
            assertCompletes(turn, "tool-output-available");
            List<JsonNode> told = left.told(turn, 0);
            assertThat(told).as("the same twice").hasSize(2);
            assertThat(told.getFirst()).isEqualTo(told.getLast());
            assertThat(left.attempts(turn)).isEqualTo(2);
            assertThat(turn.history(client, 0)).contains("approved", "sent", "delivered", "executed");
        }
    }

    @Test
    void ofTwoCallsEachDecisionIsSentOnce() {
        for (WaitingTurn turn : List.of(left.half, left.halfDurably)) {
            awaitTakeOver(turn);
            turn.approve(client, 0).deny(client, 1, ApprovalStates.REASON);
        }
        for (WaitingTurn turn : List.of(left.half, left.halfDurably)) {
            assertCompletes(turn, "tool-output-available", "tool-output-denied");
            assertToldOnce(turn);
            assertThat(left.told(turn, 1)).hasSize(1);
        }
    }

    @Test
    void aTurnThatWaitsForTheThirdTimeGoesOn() {
        for (WaitingTurn turn : List.of(left.waitsAgain, left.waitsAgainDurably)) {
            awaitTakeOver(turn);
            turn.approve(client, 2);
        }
        for (WaitingTurn turn : List.of(left.waitsAgain, left.waitsAgainDurably)) {
            assertCompletes(turn, "tool-output-available", "tool-output-available", "tool-output-available");
            for (int call = 0; call < 3; call++) {
                assertThat(left.told(turn, call)).as("%s, call %d", turn, call).hasSize(1);
            }
        }
    }

    @Test
    void aDurableRunThatWasToldADecisionIsInterruptedAndToldNothingMore() {
        for (WaitingTurn turn : List.of(left.unacknowledgedDurably, left.unheardDurably)) {
            assertEnds(turn, "interrupted");
            assertToldOnce(turn);
            assertSteps(turn, 0, "proposed", "approved", "sent");
        }
    }

    @Test
    void whatNobodyAnsweredInTimeIsDenied() {
        assertCompletes(left.expires, "tool-output-denied");
        assertToldOnce(left.expires);
        assertThat(left.told(left.expires, 0).getFirst().findValuesAsText("approved")).containsExactly("false");
        assertSteps(left.expires, 0, "proposed", "expired", "sent", "acknowledged", "delivered",
                "denied");
        HttpResponse<String> late = left.expires.decide(client, 0, true, null);
        assertThat(late.statusCode()).isEqualTo(410);
    }

    @Test
    void whatCanOnlyBeToldTooLateIsNotTold() {
        assertEnds(left.expiresTooLate, "failed");
        assertThat(left.told(left.expiresTooLate, 0)).isEmpty();
        assertSteps(left.expiresTooLate, 0, "proposed", "expired");
    }

    @Test
    void aRunThatCannotBeFollowedKeepsItsDecisionAndTellsNothing() {
        assertEnds(left.cannotBeFollowed, "interrupted");
        assertThat(left.told(left.cannotBeFollowed, 0)).isEmpty();
        assertSteps(left.cannotBeFollowed, 0, "proposed", "approved");
    }
}
