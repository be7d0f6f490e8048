package io.chatrelay.turn;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.support.Events;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** What holds of every history of approvals, whoever decides, fails, ends or takes over when. */
class ApprovalPropertiesTest {

    private static final Logger NOISE = Logger.getLogger("io.chatrelay");

    enum Kind {
        ASK, SETTLE, FINISH, READ, COMMIT, DECIDE, EXPIRE, FIND, FIND_LATE, TASK, CONNECT, ANSWER, CLOSE_WINDOW, CANCEL,
        TAKE_OVER,
        DATABASE, MEANWHILE
    }

    record Step(Kind kind, int pick, boolean flag) {

        void happens(ApprovalHistory history) {
            ReplicaUnderTest replica = history.replica;
            switch (kind) {
                case ASK -> history.inkeepAsks(pick % ApprovalHistory.CALLS);
                case SETTLE -> history.inkeepSettles(pick % ApprovalHistory.CALLS, flag && pick == 5);
                case FINISH -> history.inkeepFinishes();
                case READ -> replica.reads(flag ? 1 : Integer.MAX_VALUE);
                case COMMIT -> history.commit(flag ? 1 : Integer.MAX_VALUE);
                case DECIDE -> history.decide(pick % ApprovalHistory.CALLS,
                        flag ? ApprovalState.APPROVED : ApprovalState.DENIED);
                case EXPIRE -> history.decide(pick % ApprovalHistory.CALLS, ApprovalState.EXPIRED);
                case FIND -> history.find(false, flag);
                case FIND_LATE -> history.find(true, flag);
                case TASK -> {
                    replica.runTask(pick);
                    history.gone.forEach(old -> old.runTask(pick));
                }
                case CONNECT -> {
                    replica.connects();
                    history.gone.forEach(ReplicaUnderTest::connects);
                }
                case ANSWER -> {
                    if (!history.told.isEmpty()) {
                        history.told.get(flag ? history.told.size() - 1 : pick % history.told.size())
                                .resolve(ReplicaUnderTest.Fate.values()[pick % ReplicaUnderTest.Fate.values().length]);
                    }
                }
                case CLOSE_WINDOW -> {
                    history.late = true;
                    history.disturbed = true;
                }
                case CANCEL -> {
                    history.disturbed = true;
                    replica.turn.stop(Events.CANCELLED);
                }
                case TAKE_OVER -> history.takeOver(flag);
                case DATABASE -> history.databaseIsAway = flag;
                case MEANWHILE -> history.meanwhile = () -> {
                    history.replica.reads(Integer.MAX_VALUE);
                    if (flag) {
                        history.disturbed = true;
                        history.replica.turn.stop(Events.CANCELLED);
                    }
                };
            }
        }
    }

    @BeforeContainer
    static void quiet() {
        NOISE.setLevel(Level.OFF);
    }

    @AfterContainer
    static void loud() {
        NOISE.setLevel(null);
    }

    @Property(tries = 10_000)
    void oneDecisionIsToldAndAgainOnlyWhenNobodyKnows(@ForAll("steps") List<Step> steps) {
        holds(steps, false);
    }

    @Property(tries = 10_000)
    void decisionsAreToldOneByOneWhereTheAnswerIsTheRestOfTheTurn(@ForAll("steps") List<Step> steps) {
        holds(steps, true);
    }

    private static void holds(List<Step> steps, boolean durable) {
        ApprovalHistory history = new ApprovalHistory(durable);
        steps.forEach(step -> step.happens(history));
        history.comesToAnEnd();
    }

    /** What carries a history on comes often, what ends it or breaks something comes seldom. */
    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<Kind> often = Arbitraries.of(Kind.ASK, Kind.SETTLE, Kind.READ, Kind.COMMIT, Kind.DECIDE, Kind.FIND, Kind.TASK,
                Kind.CONNECT, Kind.ANSWER);
        Arbitrary<Kind> seldom = Arbitraries.of(Kind.class);
        Arbitrary<Kind> kinds = Arbitraries.integers().between(0, 9).flatMap(i -> i < 8 ? often : seldom);
        return Combinators.combine(kinds, Arbitraries.integers().between(0, 5), Arbitraries.of(true, false)).as(Step::new)
                .list().ofMaxSize(100);
    }
}
