package io.chatrelay.journal;

import static io.chatrelay.database.ScriptedDatabase.CLOSE;
import static io.chatrelay.database.ScriptedDatabase.COMMIT;
import static io.chatrelay.database.ScriptedDatabase.CONNECT;
import static io.chatrelay.database.ScriptedDatabase.ROLLBACK;
import static io.chatrelay.journal.StoredEvents.COMPARE;
import static io.chatrelay.journal.StoredEvents.STORE;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.journal.WriterUnderTest.Turn;

class JournalWriterTest {

    /** SQLSTATE of a value that PostgreSQL does not store. */
    private static final String BAD_VALUE = "22021";
    private static final TransactionalEffect NO_EFFECT = _ -> {};

    private WriterUnderTest journal = new WriterUnderTest(new Settings.Bounds());

    private ScriptedDatabase database() {
        return journal.database;
    }

    private static final TransactionalEffect.Together POSITIONS = new Applied(false);
    private static final TransactionalEffect.Together ENDS = new Applied(true);

    /** Notes what is applied together. */
    private record Applied(boolean endsTurns) implements TransactionalEffect.Together {
        @Override
        public void apply(Connection connection, List<TransactionalEffect> effects) {
            ((OfKind) effects.getFirst()).applied()
                    .add(effects.stream().map(effect -> ((OfKind) effect).name()).toList().toString());
        }
    }

    private record OfKind(String name, Together together, List<String> applied) implements TransactionalEffect {
        @Override
        public void apply(Connection connection) {
            throw new IllegalStateException("it is applied with others");
        }
    }

    @Nested
    class Storing {

        @Test
        void theEventsOfATurnAreNumberedWithoutAGapOverRowsAndBatches() {
            journal = new WriterUnderTest(new Settings.Bounds().withMaxRow(6));
            Turn turn = journal.open();
            turn.append("a", "bb", "ccc", "a longer one than a row", "d");
            journal.write();
            turn.append("e", "f");
            journal.write();

            assertThat(journal.stored.rows(turn.id())).containsExactly("1-2: a bb", "3-3: ccc", "4-4: a longer one than a row",
                    "5-5: d", "6-7: e f");
            assertThat(turn.published()).containsExactly("1 a", "2 bb", "3 ccc", "4 a longer one than a row", "5 d", "6 e",
                    "7 f");
        }

        @Test
        void aTurnThatWasTakenOverGoesOnAfterItsLastStoredEvent() {
            Turn turn = journal.open(41, journal.lease.incarnation());
            turn.append("a", "b");
            journal.write();

            assertThat(journal.stored.rows(turn.id())).containsExactly("42-43: a b");
            assertThat(turn.log().committed()).isEqualTo(43);
        }

        @Test
        void allTurnsShareOneTransaction() {
            Turn first = journal.open();
            Turn second = journal.open();
            first.append("a");
            second.append(NO_EFFECT, "b");
            first.append("c");
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-2: a c", "1-1: b"));
            assertThat(database().calls(COMMIT)).hasSize(1);
        }

        @Test
        void effectsOfAKindAreAppliedTogetherAndThoseThatEndTurnsLast() {
            List<String> applied = new ArrayList<>();
            Turn first = journal.open();
            Turn second = journal.open();
            first.append(new OfKind("end of first", ENDS, applied), "a");
            second.append(new OfKind("position of second", POSITIONS, applied), "b");
            second.append(_ -> applied.add("alone"), "c");
            second.append(new OfKind("end of second", ENDS, applied), "d");
            journal.write();

            assertThat(applied).containsExactly("alone", "[position of second]", "[end of first, end of second]");
            assertThat(database().calls(COMMIT)).hasSize(1);
        }

        @Test
        void whatWouldMakeATransactionTooLargeIsLeftToTheNext() {
            journal = new WriterUnderTest(new Settings.Bounds().withMaxBatch(3));
            for (String event : List.of("aa", "bb", "cc")) {
                journal.open().append(event);
            }
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-1: aa", "1-1: bb"), List.of("1-1: cc"));
        }

        @Test
        void whatArrivesDuringACommitGoesIntoTheNextBatch() {
            Turn first = journal.open();
            Turn second = journal.open();
            database().on(STORE).meanwhile(() -> {
                first.append("b");
                second.append("c");
                first.append("d");
            });
            first.append("a");
            journal.write();

            assertThat(journal.attempts()).hasSize(2).first().isEqualTo(List.of("1-1: a"));
            assertThat(journal.attempts().getLast()).containsExactlyInAnyOrder("2-3: b d", "1-1: c");
        }

        @Test
        void aTurnEndsWithItsLastEventAndTakesNoneAfterIt() {
            Turn turn = journal.open();
            turn.append("a", Lines.END);
            turn.append("b");
            journal.write();

            assertThat(journal.stored.events(turn.id())).containsExactly("a", Lines.END);
            assertThat(turn.told()).containsExactly("ended");
            turn.reader().assertCompleted();
        }
    }

    @Nested
    class Publishing {

        private List<String> publishedBefore(String call, Turn turn) {
            List<String> seen = new ArrayList<>();
            database().on(call).meanwhile(() -> seen.addAll(turn.published()));
            journal.write();
            return seen;
        }

        @Test
        void nothingIsPublishedBeforeTheStatementThatCommitsItself() {
            Turn turn = journal.open();
            turn.append("a");

            assertThat(publishedBefore(STORE, turn)).isEmpty();
            assertThat(turn.published()).containsExactly("1 a");
            assertThat(database().said()).doesNotContain(COMMIT);
        }

        @Test
        void nothingIsPublishedBeforeTheCommitOfATransactionWithAnEffect() {
            Turn turn = journal.open();
            turn.append(NO_EFFECT, "a");

            assertThat(publishedBefore(COMMIT, turn)).isEmpty();
            assertThat(turn.published()).containsExactly("1 a");
        }

        @Test
        void nothingOfARefusedBatchIsPublishedBeforeItIsStoredAlone() {
            Turn bad = journal.open();
            Turn sound = journal.open();
            bad.append("bad");
            sound.append("a");
            database().always(STORE, call -> StoredEvents.isOf(call, bad.id())).fails(BAD_VALUE);

            assertThat(publishedBefore(STORE, sound)).isEmpty();
            assertThat(sound.published()).containsExactly("1 a");
            assertThat(bad.published()).isEmpty();
        }
    }

    @Nested
    class AfterACommitThatFailed {

        @ParameterizedTest
        @ValueSource(booleans = { true, false })
        void aCommitThatFailedIsTriedAgainWithTheSameBatchAndBoundaries(boolean stored) {
            Turn turn = journal.open();
            turn.append(NO_EFFECT, "a", "b");
            database().on(STORE).meanwhile(() -> turn.append("c"));
            ScriptedDatabase.Script commit = database().on(COMMIT);
            if (stored) {
                commit.losesTheAnswer();
            } else {
                commit.breaks();
            }
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-2: a b"), List.of("1-2: a b"), List.of("3-3: c"));
            assertThat(database().calls(COMPARE)).as("the rows are there already").hasSize(stored ? 1 : 0);
            assertThat(journal.stored.rows(turn.id())).containsExactly("1-2: a b", "3-3: c");
            assertThat(turn.published()).containsExactly("1 a", "2 b", "3 c");
            assertThat(turn.told()).isEmpty();
        }

        @Test
        void aStatementWhoseAnswerWasLostIsTriedAgainAndStoresOnce() {
            Turn turn = journal.open();
            turn.append("a");
            database().on(STORE).losesTheAnswer();
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-1: a"), List.of("1-1: a"));
            assertThat(journal.stored.rows(turn.id())).containsExactly("1-1: a");
            assertThat(turn.published()).containsExactly("1 a");
        }

        @Test
        void aCommitThatFailedIsTriedAgainOnAnotherConnection() {
            Turn turn = journal.open();
            turn.append("a");
            int before = database().said().size();
            database().on(STORE).timesOut();
            database().on(CONNECT).succeeds().breaks();
            journal.write();

            assertThat(database().said().subList(before, database().said().size()))
                    .containsExactly(CONNECT, STORE, CLOSE, CONNECT, CONNECT, STORE, CLOSE);
            assertThat(turn.published()).containsExactly("1 a");
        }

        @ParameterizedTest
        @ValueSource(strings = { "40001", "40P01", "53100", "55P03", "57P01", "57014" })
        void anErrorThatPassesRefusesNoTurn(String state) {
            Turn first = journal.open();
            Turn second = journal.open();
            first.append("a");
            second.append(NO_EFFECT, "b");
            database().on(STORE).fails(state);
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-1: a", "1-1: b"), List.of("1-1: a", "1-1: b"));
            assertThat(first.told()).isEmpty();
            assertThat(second.told()).isEmpty();
        }

        @Test
        void theEffectsOfACommitThatFailedAreAppliedAgain() {
            List<String> applied = new ArrayList<>();
            Turn turn = journal.open();
            turn.append(_ -> applied.add("x"), "a");
            database().on(COMMIT).breaks();
            journal.write();

            assertThat(applied).containsExactly("x", "x");
        }

        @Test
        void aTurnWhoseNumbersAnotherProcessHasWrittenIsGivenUp() {
            Turn turn = journal.open();
            UUID replica = journal.lease.incarnation();
            journal.stored.put(turn.id(), 1, "another's");
            turn.append("a");
            journal.write();

            assertThat(turn.told()).containsExactly("lost");
            assertThat(turn.published()).isEmpty();
            assertThat(journal.lease.incarnation()).isNotEqualTo(replica);
        }
    }

    @Nested
    class ARefusedBatch {

        @Test
        void aRefusedBatchIsStoredTurnByTurnAndOnlyTheOneThatFailsAloneIsRefused() {
            Turn first = journal.open();
            Turn bad = journal.open();
            Turn last = journal.open();
            first.append("a");
            bad.append("bad");
            last.append(NO_EFFECT, "c");
            database().always(STORE, call -> StoredEvents.isOf(call, bad.id())).fails(BAD_VALUE);
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-1: a", "1-1: bad", "1-1: c"), List.of("1-1: a"),
                    List.of("1-1: bad"), List.of("1-1: c"));
            assertThat(bad.told()).containsExactly("refused " + BAD_VALUE);
            assertThat(journal.stored.rows(bad.id())).isEmpty();
            assertThat(first.published()).containsExactly("1 a");
            assertThat(last.published()).containsExactly("1 c");
            assertThat(first.told()).isEmpty();
            assertThat(last.told()).isEmpty();
        }

        @Test
        void aRefusedTurnKeepsItsNumbersForItsEnd() {
            Turn bad = journal.open();
            bad.append("a");
            journal.write();
            database().on(STORE).fails(BAD_VALUE);
            bad.append("bad");
            journal.write();
            bad.append("after it was refused");

            bad.log().reopen();
            bad.append(Lines.END);
            journal.write();

            assertThat(journal.stored.rows(bad.id())).containsExactly("1-1: a", "2-2: end");
            assertThat(bad.published()).containsExactly("1 a", "2 end");
            assertThat(journal.writer.pendingBytes()).isZero();
        }

        @Test
        void anEffectThatThrowsRefusesItsTurnAlone() {
            Turn sound = journal.open();
            Turn broken = journal.open();
            sound.append(NO_EFFECT, "a");
            broken.append(_ -> {
                throw new IllegalStateException("as scripted");
            }, "b");
            int before = database().said().size();
            journal.write();

            assertThat(database().said().subList(before, database().said().size())).as("half a transaction is never kept")
                    .containsExactly(CONNECT, STORE, ROLLBACK, STORE, COMMIT, STORE, ROLLBACK, ROLLBACK, CLOSE);
            assertThat(broken.told()).containsExactly("refused 22000");
            assertThat(journal.stored.rows(broken.id())).isEmpty();
            assertThat(sound.published()).containsExactly("1 a");
            assertThat(sound.told()).isEmpty();
        }
    }

    @Nested
    class Room {

        @Test
        void aTurnHasRoomAgainWhenItsEventsAreCommitted() {
            journal = new WriterUnderTest(new Settings.Bounds().withMaxPending(4, 100));
            Turn turn = journal.open();
            Turn other = journal.open();
            turn.append("aaa");
            assertThat(turn.log().hasRoom()).isTrue();
            turn.append("a");
            assertThat(turn.log().hasRoom()).isFalse();
            assertThat(other.log().hasRoom()).as("another turn's").isTrue();
            List<String> told = new ArrayList<>();
            database().on(STORE).meanwhile(() -> told.addAll(turn.told()));

            journal.write();

            assertThat(told).as("before the commit").isEmpty();
            assertThat(turn.told()).containsExactly("room");
            assertThat(turn.log().hasRoom()).isTrue();
        }

        @Test
        void noTurnHasRoomWhereTheReplicaHasNoneLeft() {
            journal = new WriterUnderTest(new Settings.Bounds().withMaxPending(100, 6));
            Turn first = journal.open();
            Turn second = journal.open();
            first.append("aaa");
            second.append("bbb");
            assertThat(first.log().hasRoom()).isFalse();
            assertThat(second.log().hasRoom()).isFalse();
            assertThat(journal.open().log().hasRoom()).as("of a turn that holds nothing").isFalse();

            journal.write();

            assertThat(first.told()).containsExactly("room");
            assertThat(second.told()).containsExactly("room");
            assertThat(journal.writer.pendingBytes()).isZero();
        }

        @Test
        void aTurnThatIsLostGivesItsRoomBack() {
            Turn turn = journal.open();
            turn.append("aaa", "bbb");
            assertThat(journal.writer.pendingBytes()).isEqualTo(6);

            journal.lease.lost(journal.lease.incarnation());
            journal.write();

            assertThat(turn.told()).containsExactly("lost");
            assertThat(journal.writer.pendingBytes()).isZero();
            assertThat(journal.attempts()).isEmpty();
        }

        @Test
        void aBatchThatIsCommittedAfterItsTurnWasLostGivesItsRoomBackOnce() {
            Turn turn = journal.open();
            turn.append(NO_EFFECT, "aaa");
            database().on(COMMIT).meanwhile(() -> journal.lease.lost(journal.lease.incarnation()));
            journal.write();

            assertThat(journal.writer.pendingBytes()).isZero();
        }
    }

    @Nested
    class WithoutALease {

        @Test
        void withoutALeaseNothingIsStoredOrPublishedAndTheTurnsAreDropped() {
            Turn first = journal.open();
            Turn second = journal.open();
            UUID replica = journal.lease.incarnation();
            journal.leases.end(replica);
            first.append(NO_EFFECT, "a");
            second.append("b");
            journal.write();

            assertThat(first.told()).containsExactly("lost");
            assertThat(second.told()).containsExactly("lost");
            assertThat(journal.stored.rows(first.id())).isEmpty();
            assertThat(first.published()).isEmpty();
            first.reader().assertFailedWith(SQLException.class);
            assertThat(journal.lease.incarnation()).isNotEqualTo(replica);
        }

        @Test
        void nothingIsStoredOfALogOfAnEarlierIncarnation() {
            Turn late = journal.open(0, UUID.randomUUID());
            Turn turn = journal.open();
            late.append("a");
            turn.append("b");
            journal.write();

            assertThat(journal.attempts()).containsExactly(List.of("1-1: b"));
            assertThat(late.published()).isEmpty();
        }
    }

    @Nested
    class Liveness {

        @Test
        void theTimeSinceTheLastRoundGrowsWhileNoneCompletes() {
            Turn turn = journal.open();
            List<Double> seen = new ArrayList<>();
            database().always(STORE, _ -> seen.size() < 3).meanwhile(() -> {
                journal.clock.advance(Duration.ofSeconds(6));
                seen.add(journal.writer.secondsSinceRound());
                throw new SQLException("as scripted", "57P01");
            });
            turn.append("a");
            journal.write();

            assertThat(seen).containsExactly(6.0, 12.0, 18.0);
            assertThat(journal.writer.secondsSinceRound()).as("after a round").isZero();
            journal.clock.advance(Duration.ofMinutes(1));
            assertThat(journal.writer.secondsSinceRound()).as("of a writer that has stopped").isEqualTo(60.0);
        }
    }
}
