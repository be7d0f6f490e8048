package io.chatrelay.support;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;

/** A caller of the service: where it is, and with which headers one asks. */
public final class Relay {

    public static final String CHAT = "/run/api/chat";
    public static final String COMPLETIONS = "/run/v1/chat/completions";
    public static final String CONVERSATIONS = "/run/v1/conversations";

    private static final Pattern OTHER_WIRE = Pattern.compile("[?&]wire=(?!ai-sdk|openai)");
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    /** Longer than the service waits for an Inkeep that says nothing. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    /** An answer in one piece. */
    public record Answer(int status, java.net.http.HttpHeaders headers, String body) {

        public JsonNode json() {
            return Json.read(body);
        }

        /** A header's value, or an empty text. */
        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }
    }

    private final URI base;
    private final Map<String, String> headers;

    public Relay(URI base, String key) {
        this(base, Map.of("authorization", "Bearer " + key));
    }

    private Relay(URI base, Map<String, String> headers) {
        this.base = base;
        this.headers = headers;
    }

    /** The same caller with one more header; null leaves a header out. */
    public Relay with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        if (value == null) {
            more.remove(name);
        }
        return new Relay(base, more);
    }

    public Answer get(String path) {
        return answer("GET", path, BodyPublishers.noBody());
    }

    public Answer delete(String path) {
        return answer("DELETE", path, BodyPublishers.noBody());
    }

    public Answer post(String path, Object json) {
        return answer("POST", path, BodyPublishers.ofString(json.toString()));
    }

    public Answer patch(String path, Object json) {
        return answer("PATCH", path, BodyPublishers.ofString(json.toString()));
    }

    public Answer answer(String method, String path, BodyPublisher body) {
        HttpResponse<String> response = send(request(method, path, body), BodyHandlers.ofString());
        return new Answer(response.statusCode(), response.headers(), response.body());
    }

    /** Sends a message, and reads the stream that answers it. */
    public Sse send(String path, Object json) {
        return stream(request("POST", path, BodyPublishers.ofString(json.toString())));
    }

    /** Takes up a stream. */
    public Sse read(String path) {
        return stream(request("GET", path, BodyPublishers.noBody()));
    }

    /** Sends a message, and keeps the bytes that answer it. */
    public RawAnswer raw(String path, Object json) {
        return RawAnswer.to(request("POST", path, BodyPublishers.ofString(json.toString())));
    }

    /** Takes up a stream, and keeps its bytes. */
    public RawAnswer raw(String path) {
        return RawAnswer.to(request("GET", path, BodyPublishers.noBody()));
    }

    private Sse stream(HttpRequest request) {
        HttpResponse<InputStream> response = send(request, BodyHandlers.ofInputStream());
        return new Sse(response.statusCode(), response.headers(), response.body(), isDescribed(request));
    }

    /** A protocol of a test's own is described nowhere. */
    private static boolean isDescribed(HttpRequest request) {
        return !OTHER_WIRE.matcher(request.uri().toString()).find();
    }

    private HttpRequest request(String method, String path, BodyPublisher body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path)).timeout(PATIENCE).method(method, body);
        if ((method.equals("POST") || method.equals("PATCH")) && !headers.containsKey("content-type")) {
            request.header("content-type", "application/json");
        }
        headers.forEach(request::header);
        return request.build();
    }

    private static <T> HttpResponse<T> send(HttpRequest request, BodyHandler<T> handler) {
        try {
            // The request's own time-out is over with the head.
            return HTTP.sendAsync(request, handler).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(request.method() + " " + request.uri(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
