package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.RecordedAnswer.events;
import static io.chatrelay.inkeep.RecordedRun.APPROVED;
import static io.chatrelay.inkeep.RecordedRun.DONE;
import static io.chatrelay.inkeep.RecordedRun.OTHER;
import static io.chatrelay.inkeep.RecordedRun.WHOLE;
import static io.chatrelay.inkeep.RecordedRun.begin;
import static io.chatrelay.inkeep.RecordedRun.frames;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Flow;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Ids;
import io.chatrelay.inkeep.AgentsDecoder.Mode;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.vertx.core.http.RequestOptions;

/** When a run follower reads again, leaves and gives up: over a scripted connection, with a clock that the test sets. */
class FollowerTimesTest {

    private static final Duration AGAIN = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(8);
    private static final Duration A_MILLISECOND = Duration.ofMillis(1);

    private final ManualEventLoop loop = new ManualEventLoop();
    private final ScriptedConnection connection = new ScriptedConnection(loop);
    private final List<ChatEvent> given = new ArrayList<>();
    private final List<String> end = new ArrayList<>();
    private int proven;
    private RunFollower follower;

    private final class Reader implements Flow.Subscriber<ChatEvent> {

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            throw new AssertionError("the client does that");
        }

        @Override
        public void onNext(ChatEvent event) {
            if (event instanceof Ended(_, _, _, var failure)) {
                end.add(failure == null ? "completed" : failure.message());
            } else {
                given.add(event);
            }
        }

        @Override
        public void onError(Throwable thrown) {
            end.add("failed: " + thrown.getMessage());
        }

        @Override
        public void onComplete() {
            end.add("complete");
        }
    }

    private void follow(int frames, Integer decided, long requested) {
        EventHashChain known = new EventHashChain();
        events(begin(frames)).forEach(known::add);
        Mode mode = decided == null ? Mode.CLASSIC : Mode.DURABLE;
        RunFollower.Run run = new RunFollower.Run(known, Set.of(),
                () -> new AgentsDecoder(new PartBoundaries(), mode, true), decided, StreamLifetime.ENDLESS, () -> proven++,
                (code, why) -> Ended.failed(Failure.of(code, why)));
        AnswerStream.Plan plan = new AnswerStream.Plan(Ids.next(), new RequestOptions(), null, null, 1 << 20,
                new RetryPolicy(Resend.NEVER, 0, Duration.ZERO, Duration.ZERO));
        follower = new RunFollower(connection.client(), loop, plan, run, PATIENCE, new Reader());
        loop.onDefect(follower::defect);
        follower.request(requested);
        loop.run();
    }

    private void follow(int frames) {
        follow(frames, null, Long.MAX_VALUE);
    }

    /** A read begins, and brings these frames. */
    private void reads(String frames) {
        connection.connects();
        connection.streams();
        connection.sends(frames);
        connection.calls();
    }

    private void isNotReadAgainBefore(Duration pause) {
        connection.calls();
        loop.advance(pause.minus(A_MILLISECOND));
        assertThat(connection.calls()).doesNotContain("connect");
        loop.advance(A_MILLISECOND);
        assertThat(connection.calls()).contains("connect");
    }

    @Nested
    class AServer {

        @ParameterizedTest
        @ValueSource(strings = { "refuses", "breaks", "503", "429" })
        void withoutAnAnswerIsAskedForHalfAMinute(String how) {
            follow(3);

            for (int millis : List.of(250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000)) {
                fails(how);
                assertThat(end).isEmpty();
                isNotReadAgainBefore(Duration.ofMillis(millis));
            }
            fails(how);

            assertThat(end).containsExactly("cannot be reached", "complete");
        }

        private void fails(String how) {
            switch (how) {
                case "refuses" -> connection.isRefused(new ConnectException());
                case "breaks" -> {
                    connection.connects();
                    connection.breaksBeforeItsAnswer();
                }
                default -> {
                    connection.connects();
                    connection.answers(Integer.parseInt(how));
                }
            }
        }

        @Test
        void thatIsSilentIsLeftAfterHalfAMinute() {
            follow(3);
            connection.connects();
            loop.advance(Duration.ofSeconds(30).minus(A_MILLISECOND));
            assertThat(connection.calls()).containsExactly("connect", "send");
            loop.advance(A_MILLISECOND);

            assertThat(connection.calls()).containsExactly("reset");
            isNotReadAgainBefore(Duration.ofMillis(250));
        }

        @ParameterizedTest
        @ValueSource(ints = { 204, 404 })
        void thatHasNothingIsAskedForAsLongAsIsSet(int status) {
            follow(3);

            for (int i = 0; i <= 16; i++) {
                connection.connects();
                connection.answers(status);
                assertThat(end).isEmpty();
                isNotReadAgainBefore(AGAIN);
            }
            connection.connects();
            connection.answers(status);

            assertThat(end).containsExactly("does not give the rest of its answer", "complete");
        }

        @Test
        void thatRefusesEndsTheAnswer() {
            follow(3);
            connection.connects();
            connection.answers(403);

            assertThat(end).containsExactly("refused to give its answer again (403)", "complete");
        }

        @Test
        void thatDoesNotKnowTheRouteEndsTheAnswer() {
            follow(3);
            connection.connects();
            connection.answers(404, "content-type", "text/plain; charset=utf-8");

            assertThat(end).containsExactly("gives no answer again", "complete");
        }
    }

    @Nested
    class ARead {

        @Test
        void thatRepeatsWhatIsKnownGoesOn() {
            follow(5);
            reads(WHOLE);

            assertThat(proven).isEqualTo(1);
            assertThat(given).isEqualTo(events(WHOLE).subList(events(begin(5)).size(), events(WHOLE).size() - 1));
            assertThat(end).containsExactly("completed", "complete");
        }

        @Test
        void isComparedWithoutDemandAndDeliversNothing() {
            follow(5, null, 0);
            reads(begin(7));

            assertThat(proven).isEqualTo(1);
            assertThat(given).isEmpty();
            follower.request(1);
            loop.run();
            assertThat(given).hasSize(1);
        }

        @Test
        void thatStandsOpenShortOfWhatIsKnownIsRepeated() {
            Duration twice = PATIENCE.multipliedBy(2);
            follow(9);
            reads(begin(4));
            loop.advance(twice.minus(A_MILLISECOND));
            connection.sends(frames(4, 5));
            loop.advance(PATIENCE);
            assertThat(connection.calls()).as("it grows").doesNotContain("resume");
            isNotReadAgainBefore(AGAIN.plus(A_MILLISECOND));
            reads(begin(4));
            loop.advance(twice.minus(A_MILLISECOND));
            assertThat(end).isEmpty();
            loop.advance(A_MILLISECOND);

            assertThat(end).containsExactly("does not give the rest of its answer", "complete");
            loop.advance(A_MILLISECOND);
            assertThat(connection.calls()).contains("resume", "reset");
            assertThat(loop.timers()).isZero();
        }

        @Test
        void thatClosesAtOnceWithNothingNewIsTheEndOfTheRun() {
            follow(5);
            for (int i = 0; i <= 16; i++) {
                reads(begin(5));
                connection.ends();
                assertThat(end).isEmpty();
                isNotReadAgainBefore(AGAIN);
            }
            reads(begin(5));
            connection.ends();

            assertThat(end).containsExactly("does not give the rest of its answer", "complete");
            assertThat(proven).isEqualTo(18);
        }

        @Test
        void thatStoodOpenIsNotTheEndOfTheRun() {
            follow(5);
            for (int i = 0; i < 9; i++) {
                reads(begin(5));
                loop.advance(PATIENCE.plus(A_MILLISECOND));
                connection.ends();
                isNotReadAgainBefore(AGAIN);
            }

            assertThat(end).isEmpty();
        }

        @Test
        void thatClosesAfterSomethingNewIsRepeated() {
            follow(5);
            reads(begin(7));
            connection.ends();
            isNotReadAgainBefore(AGAIN);
            reads(WHOLE);

            assertThat(given).isEqualTo(events(WHOLE).subList(events(begin(5)).size(), events(WHOLE).size() - 1));
            assertThat(end).containsExactly("completed", "complete");
        }

        @Test
        void ofAnotherRunIsLeft() {
            follow(5);
            connection.connects();
            connection.streams();
            connection.calls();
            connection.sends(OTHER.replace(DONE, ""));
            assertThat(connection.calls()).containsExactly("resume");
            loop.advance(A_MILLISECOND);
            assertThat(connection.calls()).containsExactly("reset");

            isNotReadAgainBefore(AGAIN.minus(A_MILLISECOND));
            assertThat(proven).isZero();
        }

        @Test
        void thatIsNotTheSameEndsTheAnswerOnceThatIsRequested() {
            follow(8, null, 0);
            reads(WHOLE.replace("docs/report.txt", "docs/other.txt"));
            assertThat(end).isEmpty();
            follower.request(1);
            loop.run();

            assertThat(end).containsExactly("gives again something else than before", "complete");
            loop.advance(PATIENCE);
            assertThat(connection.calls()).containsOnly("resume", "reset");
        }
    }

    @Nested
    class ADurableRun {

        /** The end of its body ends it. */
        private static final String UNTIL_ITS_END = WHOLE.replace(DONE, "");

        @Test
        void isReadAgainMoreSlowlyWhileItsOutcomeTakesTime() {
            follow(5, 0, Long.MAX_VALUE);
            for (int millis : List.of(250, 500, 1000, 2000, 4000, 5000, 5000)) {
                reads(begin(5));
                connection.breaks();
                isNotReadAgainBefore(Duration.ofMillis(millis));
            }
            reads(begin(6));
            connection.breaks();
            isNotReadAgainBefore(AGAIN);
            reads(begin(6));
            connection.breaks();
            isNotReadAgainBefore(Duration.ofMillis(250));

            assertThat(end).isEmpty();
        }

        @Test
        void isReadAgainIfItsReadEndedOnlyForItsLength() {
            follow(5, 0, Long.MAX_VALUE);
            reads(UNTIL_ITS_END);
            loop.advance(Duration.ofMinutes(4).plus(A_MILLISECOND));
            connection.ends();
            isNotReadAgainBefore(AGAIN);
            assertThat(end).isEmpty();
            reads(UNTIL_ITS_END);
            loop.advance(Duration.ofMinutes(4));
            connection.ends();

            assertThat(end).containsExactly("completed", "complete");
        }

        @Test
        void isLeftHalfASecondAfterItsLastEventIfItWaitsForOthers() {
            // The call that was decided is another one than the one that waits.
            follow(3, 9, Long.MAX_VALUE);
            reads(begin(7));
            loop.advance(AGAIN.minus(A_MILLISECOND));
            assertThat(end).isEmpty();
            loop.advance(A_MILLISECOND);
            assertThat(end).containsExactly("complete");
            loop.advance(A_MILLISECOND);

            assertThat(connection.calls()).containsExactly("resume", "reset");
        }

        @Test
        void isNotLeftWhileNothingIsRequested() {
            int left = events(begin(7)).size() - events(begin(3)).size();
            follow(3, 9, left);
            reads(begin(7));
            assertThat(given).hasSize(left);
            loop.advance(AGAIN.multipliedBy(5));
            assertThat(end).isEmpty();

            follower.request(1);
            loop.run();
            loop.advance(AGAIN);
            assertThat(end).containsExactly("complete");
        }

        @Test
        void isLeftAtOnceIfItsBodyEndsWhileItWaitsForOthers() {
            follow(3, 9, Long.MAX_VALUE);
            reads(begin(7));
            connection.ends();

            assertThat(end).containsExactly("complete");
        }
    }

    @Nested
    class ACancelledFollower {

        private void cancel() {
            follower.cancel();
            loop.run();
        }

        @Test
        void resetsItsRequest() {
            follow(3);
            connection.connects();
            cancel();
            assertThat(connection.calls()).containsExactly("connect", "send", "reset");
            connection.breaksBeforeItsAnswer();

            assertThat(loop.timers()).isZero();
        }

        @ParameterizedTest
        @ValueSource(ints = { 3, 7 })
        void closesItsRead(int frames) {
            follow(5);
            reads(begin(frames));
            cancel();
            loop.advance(A_MILLISECOND);
            assertThat(connection.calls()).containsExactly("resume", "reset");

            loop.advance(PATIENCE);
            assertThat(end).isEmpty();
            assertThat(loop.timers()).isZero();
        }

        @Test
        void isNotReadAgain() {
            follow(5);
            reads(begin(5));
            connection.ends();
            cancel();
            loop.advance(PATIENCE);

            assertThat(connection.calls()).isEmpty();
        }

        @Test
        void doesNotDeliverTheEndThatWaits() {
            follow(5, null, 0);
            connection.connects();
            connection.answers(403);
            cancel();
            follower.request(1);
            loop.run();

            assertThat(end).isEmpty();
        }
    }

    @Test
    void everyCutIsContinuedWithoutARepetition() {
        List<ChatEvent> whole = events(WHOLE);
        IntStream.rangeClosed(1, APPROVED.frames().size() - 1).forEach(cut -> {
            given.clear();
            end.clear();
            follow(1);
            reads(begin(cut));
            connection.breaks();
            loop.advance(AGAIN);
            if (end.isEmpty()) {
                reads(WHOLE);
            }

            assertThat(given).as("cut after frame " + cut).isEqualTo(whole.subList(events(begin(1)).size(), whole.size() - 1));
            assertThat(end).containsExactly("completed", "complete");
        });
    }
}
