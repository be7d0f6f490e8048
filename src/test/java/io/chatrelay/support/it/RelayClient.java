package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;

/** A caller of the service. Its streams are read by two threads, however many they are. */
public final class RelayClient {

    public static final String KEY = "it-key";
    public static final String KEY_SHA256 = "1ce48051b5830d59881cbf51500faa5f5e9d446050458f760bc96cda647be67e";

    public static final Vertx VERTX = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1));

    private static final HttpClient STREAMS = VERTX.createHttpClient(new HttpClientOptions().setMaxPoolSize(5000)
            .setKeepAlive(false));
    private static final java.net.http.HttpClient CALLS = java.net.http.HttpClient.newBuilder()
            .version(java.net.http.HttpClient.Version.HTTP_1_1).build();

    private final URI api;
    private final Map<String, String> always;
    private final String key;

    public RelayClient(RelayProcess relay) {
        this(relay.api());
    }

    RelayClient(URI api) {
        this(api, Map.of(), KEY);
    }

    private RelayClient(URI api, Map<String, String> always, String key) {
        this.api = api;
        this.always = always;
        this.key = key;
    }

    /** A caller with another key. */
    public RelayClient as(String otherKey) {
        return new RelayClient(api, always, otherKey);
    }

    /** The same caller, whose streams are asked for with one more header. */
    public RelayClient with(String header, String value) {
        Map<String, String> more = new HashMap<>(always);
        more.put(header, value);
        return new RelayClient(api, more, key);
    }

    /** A message of a user as the AI SDK's chat sends it. */
    public static String body(String model, String conversation, String text) {
        ObjectNode body = Json.object().put("model", model).put("conversationId", conversation);
        ObjectNode message = body.putArray("messages").addObject().put("role", "user");
        message.putArray("parts").addObject().put("type", "text").put("text", text);
        return body.toString();
    }

    public SseStream chat(String model, String conversation, String text) {
        return chat(model, conversation, text, new SseStream());
    }

    /** @param into what comes of it */
    public SseStream chat(String model, String conversation, String text, SseStream into) {
        return open(HttpMethod.POST, "/run/api/chat", body(model, conversation, text), Map.of(), into);
    }

    /** The same again is the same turn. */
    public SseStream chat(String model, String conversation, String text, String idempotencyKey) {
        return open(HttpMethod.POST, "/run/api/chat", body(model, conversation, text),
                Map.of("idempotency-key", idempotencyKey), new SseStream());
    }

    /** Reads on as an {@code EventSource} does, after the event that it saw last. */
    public SseStream readOn(String conversation, String lastEventId) {
        return readOn(conversation, lastEventId, new SseStream());
    }

    /** @param into what comes of it */
    public SseStream readOn(String conversation, String lastEventId, SseStream into) {
        return open(HttpMethod.GET, "/run/v1/conversations/" + conversation + "/stream", "",
                Map.of("accept", "text/event-stream", "last-event-id", lastEventId), into);
    }

    /** A turn from its beginning. */
    public SseStream replay(String conversation, UUID turn) {
        return open(HttpMethod.GET, "/run/v1/conversations/%s/stream?turn=%s".formatted(conversation, turn), "", Map.of(),
                new SseStream());
    }

    /** The same as OpenAI's chunks, of which brackets are no part. */
    public SseStream replayOpenAi(String conversation, UUID turn) {
        return open(HttpMethod.GET, "/run/v1/conversations/%s/stream?wire=openai&turn=%s".formatted(conversation, turn), "",
                Map.of(), new SseStream());
    }

    /** The inbox, after an event or with what is pending first. @param lastEventId null for none */
    public SseStream inbox(String lastEventId) {
        return open(HttpMethod.GET, "/run/v1/tool-approvals/stream", "",
                lastEventId == null ? Map.of() : Map.of("last-event-id", lastEventId), new SseStream());
    }

    private SseStream open(HttpMethod method, String path, String body, Map<String, String> headers, SseStream stream) {
        RequestOptions options = new RequestOptions().setMethod(method).setHost(api.getHost()).setPort(api.getPort())
                .setURI(path).putHeader("authorization", "Bearer " + key).putHeader("content-type", "application/json");
        always.forEach(options::putHeader);
        headers.forEach(options::putHeader);
        STREAMS.request(options).onFailure(_ -> stream.failed()).onSuccess(request -> {
            stream.asked(request);
            request.send(Buffer.buffer(body)).onSuccess(stream::answered).onFailure(_ -> stream.failed());
        });
        return stream;
    }

    public JsonNode get(String path) {
        return get(api.resolve(path), key);
    }

    public static JsonNode get(URI uri) {
        return get(uri, KEY);
    }

    private static JsonNode get(URI uri, String key) {
        HttpResponse<String> answer = call(HttpRequest.newBuilder(uri), key);
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(uri + " answers " + answer.statusCode() + ": " + answer.body());
        }
        return Json.read(answer.body());
    }

    private static HttpResponse<String> call(HttpRequest.Builder request, String key) {
        try {
            return CALLS.send(request.header("authorization", "Bearer " + key).build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** What a path answers, whatever it is. */
    public HttpResponse<String> ask(String path) {
        return call(HttpRequest.newBuilder(api.resolve(path)), key);
    }

    /** The same for a JSON body that is posted to it. */
    public HttpResponse<String> post(String path, String body) {
        return call(HttpRequest.newBuilder(api.resolve(path)).header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)), key);
    }

    /** The same by another method. */
    public HttpResponse<String> send(String method, String path, String body) {
        return call(HttpRequest.newBuilder(api.resolve(path)).header("content-type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body)), key);
    }

    /** Stops the conversation's running turn. */
    public HttpResponse<String> cancel(String conversation) {
        return post("/run/v1/conversations/%s/cancel".formatted(conversation), "");
    }

    /** Answers a call that asked for approval. @param reason null for none */
    HttpResponse<String> decide(String conversation, String callId, boolean approved, String reason) {
        ObjectNode body = Json.object().put("conversationId", conversation).put("toolCallId", callId)
                .put("approved", approved);
        if (reason != null) {
            body.put("reason", reason);
        }
        return post("/run/api/tool-approvals", body.toString());
    }

    /** The conversation's messages, oldest first, each as {@code role: text}. */
    public List<String> messages(String conversation) {
        List<String> told = new ArrayList<>();
        for (JsonNode message : get("/run/v1/conversations/%s/messages?limit=100".formatted(conversation)).path("data")) {
            StringBuilder text = new StringBuilder(message.path("role").asText()).append(": ");
            message.path("parts").forEach(part -> text.append(part.path("text").asText("")));
            told.addFirst(text.toString());
        }
        return told;
    }
}
