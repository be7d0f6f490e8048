package io.chatrelay.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.chat.RawJson;

/**
 * Request fields that go up to Inkeep: their types and ranges are checked here, whether an upstream takes them is the
 * upstream's to say. Source: Inkeep's documented run API, and OpenAI's API reference.
 */
final class Parameters {

    private static final Set<String> OBJECTS = Set.of("headers", "runConfig", "userProperties", "properties", "logit_bias",
            "response_format", "stream_options");
    private static final List<String> KNOWN = List.of("max_tokens", "temperature", "top_p", "n", "presence_penalty",
            "frequency_penalty", "logit_bias", "user", "tools", "tool_choice", "response_format", "headers", "runConfig",
            "userProperties", "properties");
    /** Checked, but not told to anyone: how one caller wants to be answered is no part of what was asked. */
    private static final Set<String> OF_THE_ANSWER = Set.of("stream_options");
    private static final double MOST_BIAS = 100;

    private Parameters() {}

    static Map<String, RawJson> of(JsonBody body) {
        check(body);
        Map<String, RawJson> parameters = new LinkedHashMap<>();
        KNOWN.stream().filter(body::has).forEach(name -> parameters.put(name, body.raw(name)));
        if (body.has("max_completion_tokens")) {
            // OpenAI's newer name for the same thing.
            parameters.put("max_tokens", body.raw("max_completion_tokens"));
        }
        return parameters;
    }

    static boolean isKnown(String name) {
        return KNOWN.contains(name) || OF_THE_ANSWER.contains(name) || name.equals("max_completion_tokens");
    }

    private static void check(JsonBody body) {
        body.integer("max_tokens", 1, Integer.MAX_VALUE);
        body.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        body.number("temperature", 0, 2);
        body.number("top_p", 0, 1);
        body.number("presence_penalty", -2, 2);
        body.number("frequency_penalty", -2, 2);
        // One turn has one answer.
        body.integer("n", 1, 1);
        body.text("user");
        OBJECTS.forEach(body::object);
        bias(body.object("logit_bias"));
        strings(body.object("headers"));
        if (body.has("stream_options")) {
            body.object("stream_options").flag("include_usage", false);
        }
        tools(body);
    }

    private static void bias(JsonBody bias) {
        if (bias != null) {
            bias.names().forEach(token -> bias.number(token, -MOST_BIAS, MOST_BIAS));
        }
    }

    private static void strings(JsonBody headers) {
        if (headers != null) {
            headers.names().forEach(headers::text);
        }
    }

    private static void tools(JsonBody body) {
        if (body.has("tools")) {
            if (!body.isArray("tools")) {
                throw body.wrong("tools", "must be an array");
            }
            for (int i = 0; i < body.node().get("tools").size(); i++) {
                JsonNode tool = body.node().get("tools").get(i);
                if (!tool.isTextual() && !(tool.isObject() && tool.path("type").isTextual())) {
                    throw body.wrong("tools[" + i + "]", "must be a tool's name, or an object with a type");
                }
            }
        }
        if (body.has("tool_choice") && !body.node().get("tool_choice").isTextual()
                && !body.node().get("tool_choice").isObject()) {
            throw body.wrong("tool_choice", "must be a string or an object");
        }
    }
}
