package io.chatrelay.dev;

import java.net.URI;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.chatrelay.dev.Answer.Reply;
import io.netty.channel.ChannelOption;
import io.vertx.core.AbstractVerticle;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * Both of Inkeep's APIs, and the Agents API of an old release, on a local port, with a fake model: for development without a key, for tests, and for
 * benchmarks. It behaves as the recorded servers do, their traps included, and the last message of the user chooses
 * what goes wrong; {@link Script} lists the keywords, and the README beside the recordings explains them.
 *
 * <pre>
 *   /run ────► {@link AgentsApi} ─┐                ┌─► {@link EventSink}  the reader
 *   /legacy ─► {@link LegacyApi} ─┼► {@link Script} ► {@link Run} ┤
 *   /v1 ─────► {@link CloudApi} ──┘                └─► {@link RunRecorder}    for reading again
 * </pre>
 *
 * <p>Everything happens on one event loop, so nothing is locked, and a stream costs a timer and not a thread. Any
 * bearer key is good, except {@value #WRONG_KEY}.
 *
 * <p>For tests: {@code GET /emulator/requests?conversationId=&toolCallId=&text=&limit=},
 * {@code DELETE /emulator/requests}, {@code GET /emulator/stats} and {@code POST /emulator/hurry?text=}: answers to such a text that are under way go
 * on without pauses.
 */
public final class InkeepEmulator implements AutoCloseable {

    static final String WRONG_KEY = "wrong-key";

    private static final long START_SECONDS = 20;

    private final Vertx vertx;
    private final Stats stats = new Stats();
    private final Runs runs = new Runs();
    private final RequestLog log = new RequestLog();
    private String deployment;
    private int port;

    /** @param vertx stays open when the emulator closes */
    public InkeepEmulator(Vertx vertx) {
        this.vertx = vertx;
    }

    /** As {@link #listen(String, int)}, for this machine alone. */
    public InkeepEmulator listen(int wantedPort) {
        return listen("127.0.0.1", wantedPort);
    }

    /**
     * Returns when requests are answered. Blocks, so it is not for an event loop.
     *
     * @param host the address to bind; {@code 0.0.0.0} for every one of this machine
     * @param wantedPort 0 for any free one
     * @throws IllegalStateException if the port is taken
     */
    InkeepEmulator listen(String host, int wantedPort) {
        // A verticle, because only that gets an event loop of its own whoever calls.
        deployment = await(vertx.deployVerticle(new AbstractVerticle() {
            @Override
            public void start(Promise<Void> started) {
                serve(getVertx()).listen(wantedPort, host).onSuccess(bound -> port = bound.actualPort())
                        .<Void>mapEmpty().onComplete(started);
            }
        }));
        return this;
    }

    public int port() {
        return port;
    }

    /** Base of the Agents API. */
    public URI agentsUrl() {
        return URI.create("http://localhost:" + port + "/run");
    }

    /** Base of the Agents API as release 0.37.2 had it. */
    public URI legacyUrl() {
        return URI.create("http://localhost:" + port + "/legacy");
    }

    /** Base of the Cloud API. */
    public URI cloudUrl() {
        return URI.create("http://localhost:" + port + "/v1");
    }

    /** Breaks the streams that are open, and frees the port. */
    @Override
    public void close() {
        if (deployment == null) {
            return;
        }
        Future<Void> closed = vertx.undeploy(deployment);
        deployment = null;
        if (!Context.isOnEventLoopThread()) {
            await(closed);
        }
    }

    private HttpServer serve(Vertx owner) {
        Attempts attempts = new Attempts();
        AgentsApi agents = new AgentsApi(owner, attempts, stats, runs);
        LegacyApi legacy = new LegacyApi(owner, attempts, stats, runs);
        CloudApi cloud = new CloudApi(attempts, stats, runs);
        // Inkeep's server speaks HTTP/1.1 only; with HTTP/2 a cut would take every stream of the caller with it.
        HttpServerOptions options = new HttpServerOptions().setHttp2ClearTextEnabled(false).setTcpNoDelay(true)
                .setMaxHeaderSize(64 * 1024).setHandle100ContinueAutomatically(true);
        return owner.createHttpServer(options).requestHandler(request -> {
            long at = RequestLog.micros();
            request.body().onSuccess(body -> handle(request, at, body.getBytes(), agents, legacy, cloud));
        });
    }

    private void handle(HttpServerRequest request, long at, byte[] body, AgentsApi agents, LegacyApi legacy,
            CloudApi cloud) {
        try {
            if (request.path().startsWith("/emulator/")) {
                control(request);
                return;
            }
            stats.request();
            log.add(request, at, body, agents.conversationOf(request.path()).orElse(null));
            if (request.path().startsWith("/run/")) {
                agents.handle(request, body);
            } else if (request.path().startsWith("/legacy/")) {
                legacy.handle(request, body);
            } else if (request.path().startsWith("/v1/")) {
                cloud.handle(request, body);
            } else {
                AgentsErrors.NO_SUCH_ROUTE.to(request.response());
            }
        } catch (RuntimeException e) {
            // A fault of the emulator must not look like a server that hangs.
            request.response().setStatusCode(599).end("The emulator failed: " + e);
            throw e;
        }
    }

    private void control(HttpServerRequest request) {
        switch (request.method().name() + " " + request.path()) {
            case "GET /emulator/requests" -> json(request, log.json(request.getParam("conversationId"),
                    request.getParam("toolCallId"), request.getParam("text"),
                    number(request.getParam("limit"), Integer.MAX_VALUE)));
            case "DELETE /emulator/requests" -> {
                log.clear();
                request.response().setStatusCode(204).end();
            }
            case "POST /emulator/hurry" -> {
                runs.hurry(request.getParam("text", ""));
                request.response().setStatusCode(204).end();
            }
            case "GET /emulator/stats" -> json(request, stats.json());
            default -> AgentsErrors.NO_SUCH_ROUTE.to(request.response());
        }
    }

    /** A parameter or header; what is no number counts as not sent. */
    static int number(String value, int otherwise) {
        return value != null && value.matches("\\d{1,9}") ? Integer.parseInt(value) : otherwise;
    }

    private static void json(HttpServerRequest request, String body) {
        request.response().putHeader("content-type", "application/json").end(Buffer.buffer(body));
    }

    /** The caller's own request id, or a new one. */
    static String requestId(HttpServerRequest request) {
        String sent = request.getHeader("x-request-id");
        return sent != null ? sent : UUID.randomUUID().toString();
    }

    static void send(Reply reply, HttpServerRequest request) {
        if (reply.delayMillis() <= 0) {
            reply.to(request.response());
            return;
        }
        request.response().exceptionHandler(_ -> {});
        Vertx.currentContext().owner().setTimer(reply.delayMillis(), _ -> {
            if (!request.response().closed()) {
                reply.to(request.response());
            }
        });
    }

    /** Ends the connection by a TCP reset, which is what a process that is gone answers with. */
    static void reset(HttpServerRequest request) {
        if (request.connection() instanceof ConnectionBase connection) {
            connection.channel().config().setOption(ChannelOption.SO_LINGER, 0);
        }
        request.connection().close();
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.toCompletionStage().toCompletableFuture().get(START_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("The Inkeep emulator did not start or stop", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
