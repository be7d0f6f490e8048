package io.chatrelay.fuzz;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.ApiDocument;
import io.chatrelay.support.ApiDocument.Operation;
import io.chatrelay.support.ApiDocument.Parameter;
import io.chatrelay.support.it.RelayClient;

/** Makes a request of a seed: one that the document describes, and then more or less of it wrong. */
final class Requests {

    private static final List<String> METHODS = List.of("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE",
            "QUERY",
            "INVENTED");
    private static final List<String> PATHS = List.of("/", "/run", "/run/", "/run/v1", "/run/v1/responses", "/run/v1/nothing",
            "/run/api/chat/",
            "//run/api/chat", "/run/v1/conversations/", "/run/v1/conversations/a/b/c", "/run/api/chat/..",
            "/q/nothing",
            "/index.html", "/run/v1/conversations/%00", "/run/v1/conversations/%ff%fe", "/run/v1/chat/completions;a=b",
            "/RUN/API/CHAT", "/%72un/api/chat");
    private static final List<String> NUMBERS = List.of("1e999999999", "-1e-999999999", "1E400",
            "123456789012345678901234567890", "-0", "0.1",
            "9".repeat(900), "9".repeat(1_200), "1." + "0".repeat(1_100), "0x10", "01", "NaN", "Infinity", "+1", "1_000");
    private static final List<Map.Entry<String, String>> HEADERS = List.of(Map.entry("last-event-id", "1.1"),
            Map.entry("last-event-id", "3.17.2"),
            Map.entry("last-event-id", "99999999999999999999.1"), Map.entry("last-event-id", "-1"),
            Map.entry("last-event-id", "é"),
            Map.entry("last-event-id", "1"), Map.entry("prefer", "wait"), Map.entry("prefer", "wait=;;"),
            Map.entry("x-conversation-id", "fuzz-1"),
            Map.entry("x-conversation-id", "not one"), Map.entry("idempotency-key", "k1"),
            Map.entry("idempotency-key", "k".repeat(400)),
            Map.entry("idempotency-key", "\u00ff\u00fe"), Map.entry("x-on-disconnect", "detach"),
            Map.entry("x-on-disconnect", "explode"),
            Map.entry("x-on-running", "cancel"), Map.entry("x-on-running", "refuse"), Map.entry("accept", "text/event-stream"),
            Map.entry("accept", "application/json"), Map.entry("accept", "image/png"), Map.entry("accept", "*/*;q=x"),
            Map.entry("content-encoding", "gzip"), Map.entry("content-encoding", "identity"),
            Map.entry("expect", "100-continue"),
            Map.entry("range", "bytes=0-1"), Map.entry("if-none-match", "*"), Map.entry("x-http-method-override", "DELETE"),
            Map.entry("x-request-id", "r\u00e9q"), Map.entry("traceparent", "00-x"),
            Map.entry("origin", "https://nobody.example"),
            Map.entry("x-inkeep-app-id", "app"), Map.entry("cookie", "a=b"), Map.entry("x-target-project-id", "p"),
            Map.entry("x-stainless-retry-count", "1"), Map.entry("x-stainless-retry-count", "many"),
            Map.entry("x-forwarded-for", "' --"));
    private static final List<String> TYPES = List.of("application/json; charset=utf-8", "application/json;charset=utf-16",
            "text/plain",
            "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json/x", "", "*/*",
            "application/vnd.api+json");

    private final ApiDocument document;
    private final long seed;

    Requests(ApiDocument document, long seed) {
        this.document = document;
        this.seed = seed;
    }

    /** The same for the same number. */
    Request number(int number) {
        Random random = new Random(seed * 1_000_003 + number);
        Values values = new Values(document, random);
        Operation operation = values.of(document.operations());
        if (values.chance(40)) {
            operation = values.of(document.operations().stream().filter(one -> !one.body().isMissingNode()).toList());
        }
        String method = values.chance(4) ? values.of(METHODS) : operation.method();
        String target = values.chance(4) ? values.of(PATHS) : target(operation, values);
        boolean hasBody = !operation.body().isMissingNode() ? !values.chance(2) : values.chance(5);
        byte[] body = hasBody ? body(operation, values, random) : null;
        return new Request(method, target, headers(values, hasBody), body);
    }

    private static String target(Operation operation, Values values) {
        StringBuilder path = new StringBuilder(operation.path());
        StringBuilder query = new StringBuilder();
        for (Parameter parameter : operation.parameters()) {
            String value = values.chance(85) ? parameter.in().equals("path") ? values.conversation()
                    : values.of(List.of("1", "10", "desc", "messages", "pending", "openai", "ai-sdk", "true", "wait"))
                    : values.odd();
            String encoded = values.chance(3) ? "%zz" : URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
            String name = "{" + parameter.name() + "}";
            if (parameter.in().equals("path")) {
                int at = path.indexOf(name);
                // Nothing would be another path.
                path.replace(at, at + name.length(), encoded.isEmpty() ? "%20" : encoded);
            } else if (parameter.in().equals("query") && values.chance(30)) {
                query.append(query.isEmpty() ? '?' : '&').append(parameter.name()).append('=').append(encoded);
            }
        }
        return path.append(query).toString();
    }

    private static List<Map.Entry<String, String>> headers(Values values, boolean hasBody) {
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        if (values.chance(97)) {
            headers.add(Map.entry("authorization", "Bearer " + RelayClient.KEY));
        } else if (values.chance(50)) {
            headers.add(
                    Map.entry("authorization", values.of(List.of("Bearer", "Bearer ", "Basic YTpi", "Bearer \u00e9", "x"))));
        }
        if (hasBody) {
            headers.add(Map.entry("content-type", values.chance(95) ? "application/json" : values.of(TYPES)));
        }
        while (values.chance(20)) {
            headers.add(values.of(HEADERS));
        }
        return headers;
    }

    private byte[] body(Operation operation, Values values, Random random) {
        JsonNode body = !operation.examples().isEmpty() && values.chance(30) ? values.of(operation.examples()).deepCopy()
                : values.valid(operation.body(), "", 0);
        for (int i = 0; body.isContainerNode() && i < 3 && values.chance(35); i++) {
            wrong(body, values, random);
        }
        String text = body.toString();
        if (values.chance(15)) {
            text = wrongText(text, values, random);
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (values.chance(5) && bytes.length > 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return bytes;
    }

    /** Changes one place of it, somewhere. */
    private static void wrong(JsonNode tree, Values values, Random random) {
        JsonNode at = tree;
        while (true) {
            List<JsonNode> below = new ArrayList<>();
            at.forEach(child -> {
                if (child.isContainerNode()) {
                    below.add(child);
                }
            });
            if (below.isEmpty() || values.chance(35)) {
                break;
            }
            at = values.of(below);
        }
        if (at instanceof ObjectNode object) {
            List<String> names = new ArrayList<>();
            object.fieldNames().forEachRemaining(names::add);
            String name = names.isEmpty() || values.chance(20) ? values.odd() : values.of(names);
            if (values.chance(25)) {
                object.remove(name);
            } else {
                object.set(name, values.any());
            }
        } else if (at instanceof ArrayNode array) {
            for (int i = values.chance(90) ? 1 : 400; i > 0; i--) {
                array.insert(random.nextInt(array.size() + 1),
                        array.isEmpty() || values.chance(50) ? values.any() : array.get(0));
            }
        }
    }

    private static String wrongText(String text, Values values, Random random) {
        int at = random.nextInt(text.length() + 1);
        return switch (random.nextInt(12)) {
            case 0 -> text.substring(0, at);
            case 1 -> text + text;
            case 2 -> text.substring(0, at) + values.odd() + text.substring(at);
            case 3 -> text.replaceFirst("\"echo [^\"]*\"", "\"\\\\ud83e half\"");
            case 4 -> text.replaceFirst("\"echo [^\"]*\"", "\"\\\\u0000 zero\"");
            case 5 -> text.replaceFirst("\"echo [^\"]*\"", values.of(NUMBERS));
            case 6 -> text.replaceFirst("[{]", "{\"max_tokens\":" + values.of(NUMBERS) + ",");
            case 7 -> text.replaceFirst("[{]", "{\"temperature\":" + values.of(NUMBERS) + ",");
            case 8 -> text.replaceFirst("[{]", "{\"runConfig\":" + "[".repeat(5_000) + "]".repeat(5_000) + ",");
            case 9 -> text.replaceFirst("[{]", "{\"conversationId\":\"fuzz-1\",\"conversationId\":\"fuzz-2\",");
            case 10 -> values.of(
                    List.of("", " ", "null", "[]", "\"text\"", "1", "{", "\ufeff{}", "{}{}", "{\"a\":1,}", "{a:1}", "// {}"));
            default -> text.replaceFirst("[{]", "{\"userProperties\":{\"n\":" + values.of(NUMBERS) + "},");
        };
    }
}
