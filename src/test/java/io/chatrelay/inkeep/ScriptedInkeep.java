package io.chatrelay.inkeep;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Ids;
import io.chatrelay.event.Part;
import io.chatrelay.event.Role;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.support.Json;
import io.chatrelay.upstream.EarlierRuns;
import io.chatrelay.upstream.UpstreamRequest;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** A server that answers each route with what it was told, in order and the last of it for ever; and upstreams that ask it. A REST client needs a running Quarkus. */
final class ScriptedInkeep implements AutoCloseable {

    /** How a request is answered. */
    interface Answer {
        void accept(HttpServerRequest request);
    }

    /** What was asked. */
    record Asked(String method, String path, Map<String, String> headers, String body) {
        String route() {
            return method + " " + path;
        }

        JsonNode json() {
            return Json.read(body);
        }
    }

    static final Vertx VERTX = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1));
    static final Duration SOON = Duration.ofSeconds(20);

    private final Map<String, ConcurrentLinkedQueue<Answer>> answers = new ConcurrentHashMap<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final List<InkeepClient> clients = new ArrayList<>();
    private final List<RunApiCalls> calls = new ArrayList<>();
    private final HttpServer server;

    ScriptedInkeep() {
        server = VERTX.createHttpServer().connectionHandler(_ -> connections.incrementAndGet())
                .requestHandler(request -> request.body().onSuccess(body -> {
                    Map<String, String> headers = new ConcurrentHashMap<>();
                    request.headers().forEach((name, value) -> headers.put(name.toLowerCase(), value));
                    Asked now = new Asked(request.method().name(), request.path(), headers, body.toString());
                    asked.add(now);
                    ConcurrentLinkedQueue<Answer> script = answers.get(now.route());
                    if (script == null) {
                        recorded("agents/38-tool-approvals-endpoint-head").accept(request);
                    } else {
                        (script.size() > 1 ? script.poll() : script.peek()).accept(request);
                    }
                })).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
    }

    ScriptedInkeep on(String route, Answer... script) {
        answers.put(route, new ConcurrentLinkedQueue<>(Arrays.asList(script)));
        return this;
    }

    static Answer recorded(String name) {
        Recording recording = Recording.load(name);
        return request -> {
            HttpServerResponse response = request.response().setStatusCode(recording.status());
            for (String header : List.of("content-type", "x-workflow-run-id")) {
                recording.header(header).ifPresent(value -> response.putHeader(header, value));
            }
            response.end(recording.body());
        };
    }

    static Answer json(int status, String body) {
        return request -> request.response().setStatusCode(status).putHeader("content-type", "application/json").end(body);
    }

    static Answer status(int status) {
        return request -> request.response().setStatusCode(status).end();
    }

    /** A stream that stays open after those frames, or ends. */
    static Answer stream(String frames, boolean ends) {
        return request -> {
            HttpServerResponse response = request.response().setChunked(true).putHeader("content-type", "text/event-stream");
            response.write(frames);
            if (ends) {
                response.end();
            }
        };
    }

    static Answer hang() {
        return _ -> {};
    }

    static Answer cut() {
        return request -> request.connection().close();
    }

    List<Asked> asked(String route) {
        return asked.stream().filter(one -> one.route().equals(route)).toList();
    }

    /** How many were opened. */
    int connections() {
        return connections.get();
    }

    URI url(String path) {
        return URI.create("http://localhost:" + server.actualPort() + path);
    }

    /** @param settings names and values, beside the defaults */
    AgentsUpstream upstream(URI url, String... settings) {
        return upstream(url, Transport.DIRECT, settings);
    }

    AgentsUpstream upstream(URI url, Transport transport, String... settings) {
        UpstreamConfig config = config(url, settings);
        InkeepClient client = new InkeepClient(VERTX, config, transport);
        clients.add(client);
        RunApiCalls made = RunApiCalls.of(config, transport);
        calls.add(made);
        return new AgentsUpstream("agents", config, client, made);
    }

    AgentsUpstream upstream(String... settings) {
        return upstream(url("/run"), settings);
    }

    static UpstreamConfig config(URI url, String... settings) {
        SmallRyeConfigBuilder builder = new SmallRyeConfigBuilder().addDiscoveredConverters()
                .withMapping(UpstreamsConfig.class).withDefaultValue("chat-relay.upstreams.agents.kind", "agents")
                .withDefaultValue("chat-relay.upstreams.agents.url", url.toString())
                .withDefaultValue("chat-relay.upstreams.agents.api-key", "test-key");
        for (int i = 0; i < settings.length; i += 2) {
            builder.withDefaultValue("chat-relay.upstreams.agents." + settings[i], settings[i + 1]);
        }
        return builder.build().getConfigMapping(UpstreamsConfig.class).upstreams().get("agents");
    }

    static Turn turn() {
        UUID conversation = Ids.next();
        return new Turn(Ids.next(), "acme", "ann", conversation, "c", 1, "agents", "agents", Ids.next(), Instant.now());
    }

    static UpstreamRequest question(Turn turn, String text, Map<String, String> headers) {
        return question(turn, text, headers, new EarlierRuns(Set.of(), false, false));
    }

    static UpstreamRequest question(Turn turn, String text, EarlierRuns earlier) {
        return question(turn, text, Map.of(), earlier);
    }

    static UpstreamRequest question(Turn turn, String text) {
        return question(turn, text, Map.of());
    }

    private static UpstreamRequest question(Turn turn, String text, Map<String, String> headers, EarlierRuns earlier) {
        return new UpstreamRequest(turn, Ids.next(),
                List.of(new UpstreamRequest.ChatMessage(Role.USER, List.of(new Part.Text(text)))), List.of(),
                Map.of(), headers, Uni.createFrom().item(earlier));
    }

    static List<ChatEvent> all(Multi<ChatEvent> events) {
        return events.collect().asList().await().atMost(SOON);
    }

    @Override
    public void close() {
        clients.forEach(InkeepClient::close);
        calls.forEach(RunApiCalls::close);
        server.close();
    }
}
