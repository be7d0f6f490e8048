package io.chatrelay.inkeep;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

import org.jboss.logging.Logger;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.chatrelay.inkeep.RunApiMessages.DecisionAnswer;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.logging.LogIds;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import io.vertx.core.Context;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.SSLOptions;

/** The connections for the streams of one Inkeep upstream. Each running turn uses one of them, and the event loop only when bytes arrive. */
final class InkeepClient {

    private static final Logger LOG = Logger.getLogger(InkeepClient.class);
    /** Time after which a stream without a subscriber is closed. */
    private static final Duration UNTAKEN = Duration.ofSeconds(10);

    private final VertxInternal vertx;
    private final HttpClient streams;
    private final UpstreamConfig config;

    InkeepClient(Vertx vertx, UpstreamConfig config, Transport transport) {
        this.vertx = (VertxInternal) vertx;
        this.config = config;
        HttpClientOptions options = new HttpClientOptions();
        transport.configure(options, config);
        // The default is 5, and a waiting turn would look like a silent Inkeep.
        PoolOptions pool = new PoolOptions().setHttp1MaxSize(config.maxConnections());
        this.streams = vertx.httpClientBuilder().with(options).with(pool)
                // The reader is notified of a reset; without this it is also logged as an error that does not name its turn.
                .withConnectHandler(connection -> connection.exceptionHandler(_ -> {})).build();
    }

    /** New connections use the certificates that the TLS configuration has now. */
    void updateCertificates(SSLOptions certificates) {
        streams.updateSSLOptions(certificates).onFailure(
                e -> LOG.errorf("The changed certificates of an upstream could not be used: %s", ConnectFailure.of(e).words()));
    }

    /** An event loop context for one request, whose log lines have the turn's ids. */
    private Context context(Turn turn) {
        return LogIds.ofTurn(turn.id(), turn.conversationId(), turn.traceparent()).context(vertx.createEventLoopContext());
    }

    /** Sends a request and returns the answer's events; nothing is sent before the subscription. */
    Multi<ChatEvent> post(Turn turn, String path, QuestionBody body, Map<String, String> headers, Resend resend,
            Function<HttpClientResponse, AnswerDecoder> decoder) {
        AnswerStream.Plan plan = plan(turn, request(HttpMethod.POST, path, TraceHeaders.with(headers, turn)), body, decoder,
                resend, config.retries());
        return Multi.createFrom().publisher(subscriber -> {
            Context context = context(turn);
            AnswerStream stream = new AnswerStream(streams, EventLoop.of(context), plan, subscriber);
            context.exceptionHandler(VertxRequests.defects(stream::defect));
            subscriber.onSubscribe(stream);
        });
    }

    /** Reads a run again; nothing is sent before the subscription. */
    Multi<ChatEvent> reread(Turn turn, String path, RunFollower.Run run) {
        RequestOptions request = request(HttpMethod.GET, path, TraceHeaders.with(Map.of(), turn));
        AnswerStream.Plan plan = plan(turn, request, null, null, Resend.NEVER, 0);
        return Multi.createFrom().publisher(subscriber -> {
            Context context = context(turn);
            RunFollower reread = new RunFollower(streams, EventLoop.of(context), plan, run, config.followTimeout(), subscriber);
            context.exceptionHandler(VertxRequests.defects(reread::defect));
            subscriber.onSubscribe(reread);
        });
    }

    /**
     * Makes one call whose answer can be an event stream, which is returned as {@link CallResult.Streams}: the rest of a turn, read on demand.
     * Nothing is sent before the subscription. Other short calls are {@link RunApiCalls}'.
     *
     * @param toBeSent  time-out for sending the call, and for an answer that is not a stream
     * @param toBeHeard time-out for the head of its answer
     * @param wanted    checked immediately before the call is sent
     */
    Uni<CallResult<DecisionAnswer>> call(Turn turn, String path, Buffer body, Map<String, String> headers, Duration toBeSent,
            Duration toBeHeard, BooleanSupplier wanted, Supplier<AnswerDecoder> decoder) {
        RequestOptions options = request(HttpMethod.POST, path, TraceHeaders.with(headers, turn)).putHeader("accept", "*/*");
        return Uni.createFrom().emitter(emitter -> {
            Context context = context(turn);
            context.exceptionHandler(VertxRequests.defects(emitter::fail));
            PendingRequest pendingRequest = new PendingRequest(streams, EventLoop.of(context), new PendingRequest.Listener() {
                @Override
                public void head(PendingRequest heard, HttpClientResponse head) {
                    if (VertxRequests.isStream(head)) {
                        emitter.complete(new CallResult.Streams<>(rest(turn, heard, head, context, decoder)));
                    } else {
                        collect(heard, head, toBeSent, emitter);
                    }
                }

                @Override
                public void nothing(String why) {
                    emitter.complete(new CallResult.Lost<>(why));
                }

                @Override
                public void unsent() {
                    emitter.complete(new CallResult.Unsent<>());
                }
            });
            emitter.onTermination(() -> context.runOnContext(_ -> pendingRequest.cancel()));
            context.runOnContext(
                    _ -> pendingRequest.send(new PendingRequest.Request(options, body, toBeSent, toBeHeard, wanted)));
        });
    }

    /** Reads an answer that is not a stream. A body that never ends does not count as an answer either. */
    private void collect(PendingRequest heard, HttpClientResponse head, Duration timeout,
            UniEmitter<? super CallResult<DecisionAnswer>> emitter) {
        String type = head.getHeader("content-type");
        long late = vertx.setTimer(Math.max(1, timeout.toMillis()), _ -> {
            emitter.complete(new CallResult.Lost<>("its time ran out"));
            heard.leave();
        });
        BoundedBody.collect(heard.request(), head, BoundedBody.SHORT, said -> {
            vertx.cancelTimer(late);
            emitter.complete(RunApiCalls.result(head.statusCode(), type == null ? "" : type, said, DecisionAnswer.class));
        });
    }

    private Multi<ChatEvent> rest(Turn turn, PendingRequest pendingRequest, HttpClientResponse head, Context context,
            Supplier<AnswerDecoder> decoder) {
        AtomicBoolean taken = new AtomicBoolean();
        vertx.setTimer(UNTAKEN.toMillis(), _ -> {
            if (taken.compareAndSet(false, true)) {
                pendingRequest.leave();
            }
        });
        AnswerStream.Plan plan = plan(turn, null, null, _ -> decoder.get(), Resend.NEVER, 0);
        return Multi.createFrom().publisher(subscriber -> {
            if (taken.compareAndSet(false, true)) {
                AnswerStream stream = AnswerStream.of(pendingRequest, head, EventLoop.of(context), plan, subscriber);
                context.exceptionHandler(VertxRequests.defects(stream::defect));
                subscriber.onSubscribe(stream);
            } else {
                Multi.createFrom().<ChatEvent>item(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT,
                        "What else the {upstream} answered was not taken in time; what came before is kept.")))
                        .subscribe(subscriber);
            }
        });
    }

    private AnswerStream.Plan plan(Turn turn, RequestOptions request, QuestionBody body,
            Function<HttpClientResponse, AnswerDecoder> decoder,
            Resend resend, int retries) {
        return new AnswerStream.Plan(turn.id(), request, body, decoder,
                Math.toIntExact(config.maxFrame().asLongValue()),
                new RetryPolicy(resend, retries, config.retryBackoff(), config.maxRetryAfter()));
    }

    private RequestOptions request(HttpMethod method, String path, Map<String, String> headers) {
        URI url = config.url();
        boolean tls = Ports.isTls(url);
        String base = url.getRawPath() == null ? "" : url.getRawPath().replaceAll("/+$", "");
        MultiMap sent = MultiMap.caseInsensitiveMultiMap().addAll(headers).set("accept", "text/event-stream");
        if (method != HttpMethod.GET) {
            sent.set("content-type", "application/json");
        }
        config.apiKey().ifPresent(key -> sent.set("authorization", "Bearer " + key));
        return new RequestOptions().setMethod(method).setSsl(tls).setHost(url.getHost())
                .setPort(Ports.of(url)).setURI(base + path).setHeaders(sent);
    }

    void close() {
        streams.close();
    }
}
