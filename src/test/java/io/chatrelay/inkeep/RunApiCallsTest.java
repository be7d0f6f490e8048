package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.VERTX;
import static io.chatrelay.inkeep.ScriptedInkeep.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.inkeep.CallResult.Accepted;
import io.chatrelay.inkeep.CallResult.Lost;
import io.chatrelay.inkeep.CallResult.Rejected;
import io.chatrelay.inkeep.CallResult.Unreadable;
import io.chatrelay.inkeep.CallResult.Unsent;
import io.chatrelay.inkeep.RunApiMessages.DecisionAnswer;
import io.chatrelay.inkeep.RunApiMessages.ExecutionDecision;
import io.chatrelay.inkeep.RunApiMessages.LegacyDecision;
import io.chatrelay.inkeep.ScriptedInkeep.Answer;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** What holds for every short call: it is made once, its time and its answer have limits, and its result says what Inkeep may have got. */
@QuarkusTest
class RunApiCallsTest {

    private static final String ROUTE = "POST /run/api/tool-approvals";
    private static final String TAKEN = "{\"success\":true}";

    private ScriptedInkeep inkeep;
    private RunApiCalls calls;

    @BeforeEach
    void start() throws Exception {
        inkeep = new ScriptedInkeep();
        calls = calls();
    }

    @AfterEach
    void stop() {
        calls.close();
        inkeep.close();
    }

    private RunApiCalls calls(String... settings) {
        return RunApiCalls.of(ScriptedInkeep.config(inkeep.url("/run/"), settings), Transport.DIRECT);
    }

    private Uni<CallResult<DecisionAnswer>> decide(Duration timeout, BooleanSupplier wanted) {
        return calls.call(timeout, wanted,
                (api, still) -> api.decideLegacy(new GuardedRequest<>(LegacyDecision.EMPTY, Map.of(), still)));
    }

    private CallResult<DecisionAnswer> decided(Answer answer) {
        inkeep.on(ROUTE, answer);
        return decide(SOON, () -> true).await().atMost(SOON);
    }

    /** Without an end, until the connection is closed; in chunks, or one that is announced. */
    private static Answer endless(int status, AtomicInteger closed) {
        return request -> {
            HttpServerResponse response = request.response().setStatusCode(status).setChunked(true).putHeader("content-type",
                    "application/json");
            response.closeHandler(_ -> closed.incrementAndGet());
            response.exceptionHandler(_ -> {});
            more(response);
        };
    }

    private static void more(HttpServerResponse response) {
        response.write(" ".repeat(8000)).onSuccess(_ -> more(response));
    }

    @Test
    void anAnswerWithoutEndIsLeftAndItsStatusStillCounts() {
        AtomicInteger closed = new AtomicInteger();

        assertThat(decided(endless(200, closed))).isEqualTo(new Unreadable<>());
        assertThat(decided(endless(403, closed))).isEqualTo(new Rejected<>(403, "application/json", ""));
        await().until(() -> closed.get() == 2);
    }

    @Test
    void anAnswerThatDripsIsLeftWhenTheTimeOfItsCallIsOver() {
        AtomicInteger closed = new AtomicInteger();
        calls.close();
        calls = calls("approval-timeout", "1s");
        inkeep.on(ROUTE, request -> {
            HttpServerResponse response = request.response().setChunked(true);
            long drip = VERTX.setPeriodic(100, _ -> response.write(" "));
            response.closeHandler(_ -> {
                VERTX.cancelTimer(drip);
                closed.incrementAndGet();
            });
        });

        assertThat(decide(Duration.ofSeconds(1), () -> true).await().atMost(SOON)).isEqualTo(new Lost<>("its time ran out"));
        await().until(() -> closed.get() == 1);
    }

    @ParameterizedTest
    @ValueSource(ints = { 301, 302, 303, 307, 308 })
    void noRedirectIsFollowed(int status) {
        CallResult<DecisionAnswer> result = decided(request -> request.response().setStatusCode(status)
                .putHeader("location", inkeep.url("/run/elsewhere").toString()).end());

        assertThat(result).isEqualTo(new Rejected<>(status, "", ""));
        assertThat(inkeep.asked("POST /run/elsewhere")).isEmpty();
        assertThat(inkeep.asked("GET /run/elsewhere")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = { "text/plain", "text/event-stream", "application/octet-stream" })
    void aSuccessIsReadAsJsonWhateverTypeItIsGiven(String type) {
        CallResult<DecisionAnswer> result = decided(
                request -> request.response().putHeader("content-type", type).end("{\"success\":true,\"new\":{}}"));

        assertThat(result).isEqualTo(new Accepted<>(200, new DecisionAnswer(true, null, null, null, null)));
    }

    @Test
    void aSuccessWithoutABodyIsOne() {
        assertThat(decided(request -> request.response().end())).isEqualTo(new Accepted<>(200, null));
        assertThat(decided(ScriptedInkeep.status(204))).isEqualTo(new Accepted<>(204, null));
    }

    @Test
    void anAnswerThatBreaksOffIsLost() {
        assertThat(decided(request -> {
            request.response().putHeader("content-length", "100").write("{");
            VERTX.setTimer(50, _ -> request.connection().close());
        })).isEqualTo(new Lost<>(ConnectFailure.BROKEN.words()));
    }

    @Test
    void aServerThatIsNotThereIsNamed() throws Exception {
        try (ServerSocket free = new ServerSocket(0)) {
            calls.close();
            calls = RunApiCalls.of(ScriptedInkeep.config(URI.create("http://127.0.0.1:%d/run".formatted(free.getLocalPort()))),
                    Transport.DIRECT);
        }

        assertThat(decide(SOON, () -> true).await().atMost(SOON)).isEqualTo(new Lost<>(ConnectFailure.REFUSED.words()));
    }

    @Test
    void aCallThatIsNotWantedAnyMoreIsNotSentAndKeepsNoConnection() {
        inkeep.on(ROUTE, json(200, TAKEN));

        // More than there are connections.
        IntStream.range(0, 100).forEach(_ -> assertThat(decide(SOON, () -> false).await().atMost(SOON))
                .isEqualTo(new Unsent<>()));

        assertThat(inkeep.asked(ROUTE)).isEmpty();
        assertThat(decide(SOON, () -> true).await().atMost(SOON)).isInstanceOf(Accepted.class);
    }

    @Test
    void aCallWhoseTimeRanOutWhileItWaitedForAConnectionIsNotSentLater() {
        calls.close();
        calls = calls("approval-timeout", "1m");
        Queue<HttpServerRequest> held = new ConcurrentLinkedQueue<>();
        inkeep.on(ROUTE, held::add);
        List<CompletableFuture<CallResult<DecisionAnswer>>> first = IntStream.range(0, 64)
                .mapToObj(_ -> decide(Duration.ofMinutes(1), () -> true).subscribeAsCompletionStage()).toList();
        await().atMost(SOON).until(() -> held.size() == 64);

        assertThat(decide(Duration.ofMillis(200), () -> true).await().atMost(SOON)).isEqualTo(new Lost<>("its time ran out"));

        inkeep.on(ROUTE, json(200, TAKEN));
        held.forEach(json(200, TAKEN)::accept);
        first.forEach(call -> assertThat(call.join()).isInstanceOf(Accepted.class));
        IntStream.range(0, 64).forEach(_ -> assertThat(decide(SOON, () -> true).await().atMost(SOON))
                .isInstanceOf(Accepted.class));
        assertThat(inkeep.asked(ROUTE)).hasSize(128);
    }

    @Test
    void aDefectOfTheCheckIsNoFailureOfInkeep() {
        Uni<CallResult<DecisionAnswer>> call = decide(SOON, () -> {
            throw new IllegalArgumentException("a defect");
        });

        assertThatThrownBy(() -> call.await().atMost(SOON)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anUpstreamsIdLeadsToNoOtherPath() {
        CallResult<DecisionAnswer> result = calls.<DecisionAnswer>call(SOON, () -> true, (api, still) -> api.decideExecution(
                "wrun/../x", "a b?c#d%2e{y}", new GuardedRequest<>(new ExecutionDecision(true, "ü\ud83d"), Map.of(), still)))
                .await().atMost(SOON);

        assertThat(result).isInstanceOf(Rejected.class);
        assertThat(inkeep.asked("POST /run/api/executions/wrun%2F..%2Fx/approvals/a%20b%3Fc%23d%252e%7By%7D")).singleElement()
                .extracting(ScriptedInkeep.Asked::body).isEqualTo("{\"approved\":true,\"reason\":\"\\u00FC\\uD83D\"}");
    }
}
