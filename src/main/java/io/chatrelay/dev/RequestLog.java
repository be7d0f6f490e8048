package io.chatrelay.dev;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;

import io.vertx.core.http.HttpServerRequest;

/** The last requests, for tests that ask what was really sent. Keys are kept as their SHA-256 only. */
final class RequestLog {

    private static final int MAX_REQUESTS = 2_000;
    private static final long MAX_BYTES = 64L << 20;

    private record Entry(long at, String method, String path, String query, Map<String, String> headers, byte[] body,
            String executionOf) {

        JsonNode parsed() {
            return Json.parse(body).orElseGet(() -> TextNode.valueOf(new String(body, StandardCharsets.UTF_8)));
        }

        boolean isOf(String conversationId, JsonNode parsed) {
            return conversationId == null || conversationId.equals(executionOf)
                    || Json.text(parsed, "conversationId").equals(conversationId)
                    || List.of(path.split("/")).contains(conversationId);
        }

        boolean decides(String toolCallId, JsonNode parsed) {
            return toolCallId == null || Json.text(parsed, "toolCallId").equals(toolCallId)
                    || List.of(path.split("/")).contains(toolCallId)
                    || parsed.path("messages").findValuesAsText("toolCallId").contains(toolCallId);
        }

        ObjectNode json(JsonNode parsed) {
            ObjectNode json = Json.MAPPER.createObjectNode().put("at", at).put("method", method).put("path", path)
                    .put("query", query);
            headers.forEach(json.putObject("headers")::put);
            return json.set("body", parsed);
        }
    }

    private final Deque<Entry> entries = new ArrayDeque<>();
    private long bytes;

    static long micros() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    }

    /**
     * @param at          when its head came, in microseconds since the epoch
     * @param executionOf the conversation of an execution that the path names; null without one
     */
    void add(HttpServerRequest request, long at, byte[] body, String executionOf) {
        entries.add(new Entry(at, request.method().name(), request.path(), request.query(),
                headers(request), body, executionOf));
        bytes += body.length;
        while (entries.size() > MAX_REQUESTS || bytes > MAX_BYTES) {
            bytes -= entries.poll().body().length;
        }
    }

    void clear() {
        entries.clear();
        bytes = 0;
    }

    /**
     * The newest requests as a JSON array, oldest first.
     *
     * @param conversationId of the body, in the path, or of the execution in the path; null for any
     * @param toolCallId     that the body or the path names; null for any
     * @param text           contained in the last user message; null for any
     */
    String json(String conversationId, String toolCallId, String text, int limit) {
        List<ObjectNode> newestFirst = new ArrayList<>();
        for (var it = entries.descendingIterator(); it.hasNext() && newestFirst.size() < limit;) {
            Entry entry = it.next();
            JsonNode parsed = entry.parsed();
            if (entry.isOf(conversationId, parsed) && entry.decides(toolCallId, parsed)
                    && (text == null || Json.lastUserText(parsed).contains(text))) {
                newestFirst.add(entry.json(parsed));
            }
        }
        ArrayNode array = Json.MAPPER.createArrayNode();
        newestFirst.reversed().forEach(array::add);
        return array.toString();
    }

    private static Map<String, String> headers(HttpServerRequest request) {
        Map<String, String> headers = new TreeMap<>();
        request.headers().forEach((name, value) -> headers.merge(name.toLowerCase(Locale.ROOT),
                name.equalsIgnoreCase("authorization") ? sha256(value) : value, (one, other) -> one + ", " + other));
        return headers;
    }

    private static String sha256(String value) {
        try {
            return HexFormat.of().formatHex(
                    MessageDigest.getInstance("SHA-256").digest(value.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
