package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.function.Consumer;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Ids;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;

/**
 * An answer stream over a scripted connection, with a clock that the test sets. One file, because each nested class is one part of the same stream's
 * life, told by the same script.
 */
class AnswerStreamTest {

    private static final Duration BACKOFF = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration A_MILLISECOND = Duration.ofMillis(1);
    private static final String DONE = "[DONE]";
    private static final String COMPLETED = "Ended completed";
    private static final String CUT = "Ended upstream_cut";
    private static final String UNAVAILABLE = "Ended upstream_unavailable";

    private final ManualEventLoop loop = new ManualEventLoop();
    private final ScriptedConnection connection = new ScriptedConnection(loop);
    private final Reader reader = new Reader();
    private Frames decoder = new Frames();
    private Resend resend = Resend.NEVER;
    private AnswerStream stream;

    /** Each frame is a text; the end of the body is no end of the answer, a broken connection is. */
    private class Frames implements AnswerDecoder {

        @Override
        public void decode(String event, String data, List<ChatEvent> out) {
            out.add(data.equals(DONE) ? Ended.completed(FinishReason.STOP, null) : new TextDelta("t", data));
        }

        @Override
        public void ended(List<ChatEvent> out) {
            // The run continues in another body.
        }

        @Override
        public void broken(List<ChatEvent> out) {
            out.add(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT, "It broke.")));
        }
    }

    /** It abandons a body that is silent. */
    private final class Impatient extends Frames {

        @Override
        public Optional<Duration> patience(long sinceNanos) {
            return Optional.of(PATIENCE.minusNanos(loop.nanoTime() - sinceNanos));
        }
    }

    private final class Reader implements Flow.Subscriber<ChatEvent> {

        private final List<String> heard = new ArrayList<>();
        private Consumer<ChatEvent> onNext = _ -> {};

        /** What it was given since the last call of this method. */
        private List<String> heard() {
            List<String> since = List.copyOf(heard);
            heard.clear();
            return since;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            throw new AssertionError("the client does that");
        }

        @Override
        public void onNext(ChatEvent event) {
            heard.add(switch (event) {
                case TextDelta(_, var text) -> text;
                case Ended(var outcome, _, _, var failure) ->
                        "Ended " + (failure == null ? outcome.name() : failure.code().name()).toLowerCase();
                default -> event.toString();
            });
            onNext.accept(event);
        }

        @Override
        public void onError(Throwable thrown) {
            heard.add("failed: " + thrown.getMessage());
        }

        @Override
        public void onComplete() {
            heard.add("complete");
        }
    }

    private AnswerStream.Plan plan() {
        return new AnswerStream.Plan(Ids.next(), new RequestOptions(), new QuestionBody(Buffer.buffer("{}")), _ -> decoder, 100,
                new RetryPolicy(resend, 2, BACKOFF, Duration.ofSeconds(10)));
    }

    private void begin(long requested) {
        stream = new AnswerStream(connection.client(), loop, plan(), reader);
        loop.onDefect(stream::defect);
        request(requested);
    }

    private void request(long n) {
        stream.request(n);
        loop.run();
    }

    private void beginReading(long requested) {
        begin(requested);
        connection.connects();
        connection.streams();
        connection.calls();
    }

    private void cancel() {
        stream.cancel();
        loop.run();
    }

    @Nested
    class Attempts {

        @Test
        void beginWithTheFirstRequestedEvent() {
            stream = new AnswerStream(connection.client(), loop, plan(), reader);
            loop.run();
            assertThat(connection.calls()).isEmpty();

            request(1);
            assertThat(connection.calls()).containsExactly("connect");
            connection.connects();
            assertThat(connection.calls()).containsExactly("send");
            connection.streams();
            assertThat(connection.calls()).containsExactly("pause", "fetch");
        }

        @Test
        void followARefusedConnectionAfterPausesThatDouble() {
            begin(1);

            connection.isRefused(new ConnectException());
            loop.advance(BACKOFF.minus(A_MILLISECOND));
            assertThat(connection.calls()).containsExactly("connect");
            loop.advance(A_MILLISECOND);
            assertThat(connection.calls()).containsExactly("connect");
            connection.isRefused(new ConnectException());
            loop.advance(BACKOFF.multipliedBy(2));
            assertThat(connection.calls()).containsExactly("connect");
            assertThat(reader.heard()).isEmpty();
            connection.isRefused(new ConnectException());

            assertThat(reader.heard()).containsExactly(UNAVAILABLE, "complete");
            assertThat(connection.calls()).isEmpty();
            assertThat(loop.timers()).isZero();
        }

        @Test
        void followARateLimitWhenItSays() {
            begin(1);
            connection.connects();
            connection.answers(429, "retry-after", "3");
            connection.ends();
            connection.calls();

            loop.advance(Duration.ofSeconds(3).minus(A_MILLISECOND));
            assertThat(connection.calls()).isEmpty();
            loop.advance(A_MILLISECOND);
            assertThat(connection.calls()).containsExactly("connect");
            connection.connects();
            connection.streams();
            connection.sendsFrames("a");

            assertThat(reader.heard()).containsExactly("a");
        }

        @Test
        void endWithARateLimitThatIsTooLong() {
            begin(1);
            connection.connects();
            connection.answers(429, "retry-after", "11");
            connection.ends();

            assertThat(reader.heard()).containsExactly("Ended upstream_rate_limited", "complete");
            assertThat(connection.calls()).as("the answer was read, so the connection is the pool's").doesNotContain("reset");
        }

        @Test
        void doNotRepeatWhatWouldBeAnsweredTwice() {
            begin(1);
            connection.connects();
            connection.breaksBeforeItsAnswer();

            assertThat(reader.heard()).containsExactly(UNAVAILABLE, "complete");
            assertThat(loop.timers()).isZero();
        }

        @Test
        void endWithoutAnEndWhereTheMessageHadBeenAccepted() {
            resend = Resend.BY_ID;
            begin(1);
            connection.connects();
            connection.breaksBeforeItsAnswer();
            loop.advance(BACKOFF);
            connection.connects();
            connection.answers(409);
            connection.ends();

            assertThat(reader.heard()).containsExactly("complete");
        }

        @Test
        void areNotExplainedByALaterOne() {
            resend = Resend.BY_ID;
            begin(1);
            connection.connects();
            connection.breaksBeforeItsAnswer();
            loop.advance(BACKOFF);
            connection.connects();
            connection.answers(400);
            connection.ends();

            assertThat(reader.heard()).containsExactly(UNAVAILABLE, "complete");
        }

        @Test
        void endWithAWholeAnswer() {
            begin(9);
            connection.connects();
            connection.answers(200, "content-type", "application/json");
            connection.sends("{\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"content\":\"x\"},");
            connection.sends("\"finish_reason\":\"stop\"}]}");
            connection.ends();

            assertThat(reader.heard()).endsWith(COMPLETED, "complete").contains("x");
            assertThat(connection.calls()).doesNotContain("reset");
        }

        @Test
        void fetchAnAnswerOnlyOnceItIsAStream() {
            begin(1);
            connection.connects();
            connection.calls();
            connection.answers(503);
            assertThat(connection.calls()).containsExactly("resume");
            connection.breaks();

            loop.advance(BACKOFF);
            assertThat(connection.calls()).as("also if its body broke").containsExactly("connect");
        }
    }

    @Nested
    class Demand {

        @Test
        void isWhatIsDelivered() {
            beginReading(2);
            connection.sendsFrames("a", "b", "c");
            assertThat(reader.heard()).containsExactly("a", "b");
            assertThat(connection.calls()).isEmpty();

            request(1);
            assertThat(reader.heard()).containsExactly("c");
            assertThat(connection.calls()).as("nothing more is requested").isEmpty();

            request(1);
            assertThat(connection.calls()).containsExactly("fetch");
            request(1);
            assertThat(connection.calls()).as("one fetch at a time").isEmpty();
        }

        @Test
        void canComeFromWithinAnEvent() {
            reader.onNext = _ -> stream.request(1);
            beginReading(1);

            connection.sendsFrames("a", "b", "c");

            assertThat(reader.heard()).containsExactly("a", "b", "c");
            assertThat(connection.calls()).containsExactly("fetch");
        }

        @Test
        void fetchesUntilAFrameIsWhole() {
            beginReading(1);

            connection.sends("data: a");
            assertThat(connection.calls()).containsExactly("fetch");
            connection.sends("bc\n\n");

            assertThat(reader.heard()).containsExactly("abc");
            assertThat(connection.calls()).isEmpty();
        }

        @Test
        void isNotNeededForTheEndOfTheBodyButForTheEndOfTheAnswer() {
            beginReading(1);
            connection.sendsFrames("a", DONE);
            connection.ends();
            assertThat(reader.heard()).containsExactly("a");

            request(1);
            assertThat(reader.heard()).containsExactly(COMPLETED, "complete");
        }

        @Test
        void ofABodyWithoutAnEndIsOverWithItsLastEvent() {
            beginReading(1);
            connection.sendsFrames("a", "b");
            connection.ends();
            assertThat(reader.heard()).containsExactly("a");

            request(1);
            assertThat(reader.heard()).containsExactly("b", "complete");
            assertThat(connection.calls()).isEmpty();
        }
    }

    @Nested
    class Silence {

        private void beginReading(long requested) {
            decoder = new Impatient();
            AnswerStreamTest.this.beginReading(requested);
        }

        @Test
        void breaksTheBodyAndClosesItsConnection() {
            beginReading(1);

            loop.advance(PATIENCE.minus(A_MILLISECOND));
            assertThat(reader.heard()).isEmpty();
            loop.advance(A_MILLISECOND);

            assertThat(reader.heard()).containsExactly(CUT, "complete");
            assertThat(connection.calls()).containsExactly("reset");
            assertThat(loop.timers()).isZero();
        }

        @Test
        void isEndedByAFrame() {
            beginReading(9);
            loop.advance(PATIENCE.minus(A_MILLISECOND));
            connection.sendsFrames("a");
            loop.advance(PATIENCE.minus(A_MILLISECOND));
            assertThat(reader.heard()).containsExactly("a");

            loop.advance(A_MILLISECOND);
            assertThat(reader.heard()).containsExactly(CUT, "complete");
        }

        @Test
        void isNotEndedByAComment() {
            beginReading(1);
            loop.advance(PATIENCE.minus(A_MILLISECOND));
            connection.sends(": ping\n\n");
            loop.advance(A_MILLISECOND);

            assertThat(reader.heard()).containsExactly(CUT, "complete");
        }

        @Test
        void countsOnlyWhileAnEventIsRequested() {
            beginReading(1);
            connection.sendsFrames("a");
            loop.advance(PATIENCE.multipliedBy(3));
            assertThat(reader.heard()).containsExactly("a");

            request(1);
            loop.advance(PATIENCE.minus(A_MILLISECOND));
            assertThat(reader.heard()).isEmpty();
            loop.advance(PATIENCE);
            assertThat(reader.heard()).containsExactly(CUT, "complete");
        }

        @Test
        void isNotWatchedAfterTheEnd() {
            beginReading(9);
            connection.sendsFrames("a", DONE);
            connection.ends();
            assertThat(reader.heard()).containsExactly("a", COMPLETED, "complete");

            loop.advance(PATIENCE.multipliedBy(2));
            assertThat(reader.heard()).isEmpty();
            assertThat(loop.timers()).isZero();
        }
    }

    @Nested
    class ACancelledStream {

        @Test
        void thatHasNotBegunSendsNothing() {
            stream = new AnswerStream(connection.client(), loop, plan(), reader);
            cancel();
            request(1);

            assertThat(connection.calls()).isEmpty();
        }

        @Test
        void resetsAConnectionThatIsMadeLate() {
            begin(1);
            cancel();
            connection.connects();

            assertThat(connection.calls()).containsExactly("connect", "reset");
        }

        @Test
        void forgetsAConnectionThatIsRefusedLate() {
            begin(1);
            cancel();
            connection.isRefused(new ConnectException());

            assertThat(loop.timers()).isZero();
            assertThat(reader.heard()).isEmpty();
        }

        @Test
        void resetsARequestWithoutAnAnswer() {
            begin(1);
            connection.connects();
            cancel();
            assertThat(connection.calls()).containsExactly("connect", "send", "reset");
            connection.breaksBeforeItsAnswer();

            assertThat(connection.calls()).isEmpty();
            assertThat(reader.heard()).isEmpty();
        }

        @Test
        void resetsALateAnswerThatArrivesBeforeItIsClosed() {
            begin(1);
            connection.connects();
            connection.calls();
            stream.cancel();
            connection.streams();

            assertThat(connection.calls()).as("it is not read").containsExactly("reset");
        }

        @Test
        void resetsAShortAnswerThatIsNotWhole() {
            begin(1);
            connection.connects();
            connection.answers(503);
            connection.sends("{");
            connection.calls();
            cancel();
            assertThat(connection.calls()).containsExactly("reset");
            connection.breaks();

            assertThat(loop.timers()).isZero();
            assertThat(reader.heard()).isEmpty();
        }

        @Test
        void doesNotResetAShortAnswerThatIsWhole() {
            begin(1);
            connection.connects();
            connection.answers(503);
            connection.calls();
            stream.cancel();
            connection.ends();

            assertThat(connection.calls()).isEmpty();
            assertThat(loop.timers()).isZero();
        }

        @Test
        void isNotTriedAgain() {
            begin(1);
            connection.isRefused(new ConnectException());
            connection.calls();
            cancel();
            loop.advance(BACKOFF.multipliedBy(9));

            assertThat(connection.calls()).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(booleans = { true, false })
        void readsWhatHasArrivedAndThenClosesItsConnection(boolean ends) {
            beginReading(1);
            connection.calls();
            cancel();
            connection.sendsFrames("late");
            assertThat(connection.calls()).containsExactly("resume");
            if (ends) {
                connection.ends();
            }
            loop.advance(A_MILLISECOND);

            assertThat(connection.calls()).isEqualTo(ends ? List.of() : List.of("reset"));
            assertThat(reader.heard()).isEmpty();
        }

        @Test
        void deliversNothingMoreThoughItIsCancelledWithinAnEvent() {
            reader.onNext = _ -> stream.cancel();
            beginReading(9);
            connection.sendsFrames("a", "b", DONE);

            assertThat(reader.heard()).containsExactly("a");
        }

        @Test
        void isNotWatched() {
            decoder = new Impatient();
            beginReading(1);
            cancel();
            loop.advance(A_MILLISECOND);
            assertThat(loop.timers()).isZero();

            loop.advance(PATIENCE.multipliedBy(2));
            assertThat(connection.calls()).containsExactly("resume", "reset");
        }
    }

    @Nested
    class TheConnection {

        @ParameterizedTest
        @ValueSource(booleans = { true, false })
        void ofACompletedAnswerIsKeptForTheEndOfItsBody(boolean ends) {
            beginReading(9);
            connection.sendsFrames(DONE);
            assertThat(connection.calls()).containsExactly("resume");
            loop.advance(Duration.ofMillis(999));
            if (ends) {
                connection.ends();
            }
            loop.advance(A_MILLISECOND);

            assertThat(reader.heard()).containsExactly(COMPLETED, "complete");
            assertThat(connection.calls()).isEqualTo(ends ? List.of() : List.of("reset"));
        }

        @Test
        void ofAnAnswerThatWasReadWholeIsThePools() {
            beginReading(1);
            connection.sendsFrames("a", DONE);
            connection.ends();
            request(1);
            loop.advance(Duration.ofSeconds(2));

            assertThat(connection.calls()).isEmpty();
        }

        @Test
        void thatBreaksEndsTheAnswerAsItsDecoderSays() {
            beginReading(1);
            connection.sendsFrames("a", "b");
            connection.breaks();
            assertThat(reader.heard()).containsExactly("a");

            request(9);
            assertThat(reader.heard()).containsExactly("b", CUT, "complete");
        }

        @Test
        void thatBreaksAfterTheEndChangesNothing() {
            beginReading(1);
            connection.sendsFrames("a", DONE);
            connection.breaks();
            request(1);

            assertThat(reader.heard()).containsExactly("a", COMPLETED, "complete");
        }

        @Test
        void ofAnEndlessFrameIsClosed() {
            beginReading(1);
            connection.sends("data: " + "x".repeat(101));
            loop.advance(A_MILLISECOND);

            assertThat(reader.heard()).containsExactly("Ended turn_too_large", "complete");
            assertThat(connection.calls()).containsExactly("resume", "reset");
        }
    }

    @Nested
    class ADefect {

        @Test
        void ofTheDecoderEndsTheAnswer() {
            decoder = new Frames() {
                @Override
                public void decode(String event, String data, List<ChatEvent> out) {
                    throw new IllegalArgumentException("a defect");
                }
            };
            beginReading(1);
            connection.sendsFrames("a");
            loop.advance(A_MILLISECOND);

            assertThat(reader.heard()).containsExactly("Ended upstream_protocol", "complete");
            assertThat(connection.calls()).containsExactly("resume", "reset");
        }

        @Test
        void ofTheSubscriberFailsTheAnswer() {
            reader.onNext = _ -> {
                throw new IllegalArgumentException("a defect");
            };
            beginReading(9);
            connection.sendsFrames("a", "b");
            loop.advance(A_MILLISECOND);

            assertThat(reader.heard()).containsExactly("a", "failed: a defect");
            assertThat(connection.calls()).containsExactly("resume", "reset");
        }

        @Test
        void beforeTheFirstFrameClosesTheConnectionAsIfItHadBeenRead() {
            stream = new AnswerStream(connection.client(), loop, plan().decodedBy(_ -> {
                throw new IllegalArgumentException("a defect");
            }), reader);
            loop.onDefect(stream::defect);
            request(1);
            connection.connects();
            connection.streams();
            assertThat(reader.heard()).containsExactly("failed: a defect");
            assertThat(connection.calls()).containsExactly("connect", "send", "resume");
            loop.advance(A_MILLISECOND);

            assertThat(connection.calls()).containsExactly("reset");
        }

        @Test
        void afterTheEndIsOnlyLogged() {
            beginReading(9);
            connection.sendsFrames(DONE);
            reader.heard();
            stream.defect(new IllegalArgumentException("a defect"));

            assertThat(reader.heard()).isEmpty();
        }
    }

    /** The head has arrived before anything is requested, as that of a decision's answer. */
    @Nested
    class AnAnswerWhoseHeadIsGiven {

        private void given() {
            PendingRequest pending = new PendingRequest(connection.client(), loop, new PendingRequest.Listener() {
                @Override
                public void head(PendingRequest heard, HttpClientResponse head) {
                    stream = AnswerStream.of(heard, head, loop, plan(), reader);
                    loop.onDefect(stream::defect);
                }

                @Override
                public void nothing(String why) {
                    throw new AssertionError(why);
                }
            });
            loop.run(
                    () -> pending.send(new PendingRequest.Request(new RequestOptions(), null, PATIENCE, PATIENCE, () -> true)));
            connection.connects();
            connection.streams();
            assertThat(connection.calls()).containsExactly("connect", "send", "pause");
        }

        @Test
        void isReadOnceAnEventIsRequested() {
            given();
            request(1);
            assertThat(connection.calls()).containsExactly("pause", "fetch");
            connection.sendsFrames("a");

            assertThat(reader.heard()).containsExactly("a");
        }

        @Test
        void isBrokenIfItsConnectionBrokeBefore() {
            given();
            connection.breaks();
            request(1);

            assertThat(reader.heard()).containsExactly(CUT, "complete");
        }

        @Test
        void isResetIfItIsCancelledBefore() {
            given();
            cancel();

            assertThat(connection.calls()).containsExactly("reset");
        }
    }
}
