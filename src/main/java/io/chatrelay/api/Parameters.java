package io.chatrelay.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.event.RawJson;

/**
 * Request fields that are passed to the upstream: their types and ranges are checked here; the upstream decides whether it supports
 * them. Source: Inkeep's documented run API, and OpenAI's API reference.
 */
public final class Parameters {

    private static final Set<String> OBJECTS = Set.of("headers", "runConfig", "userProperties", "properties", "requestContext",
            "logit_bias", "response_format", "stream_options");
    private static final List<String> KNOWN = List.of("max_tokens", "temperature", "top_p", "n", "presence_penalty",
            "frequency_penalty", "logit_bias", "user", "tools", "tool_choice", "response_format", "headers", "runConfig",
            "userProperties", "properties", "requestContext");
    /** Known only on OpenAI's path: in the body of a {@code useChat} app, fields with these names may be the app's own. */
    private static final List<String> OF_OPENAI = List.of("stop", "seed", "store", "metadata", "parallel_tool_calls",
            "reasoning_effort", "logprobs", "top_logprobs", "service_tier", "modalities", "functions", "function_call");
    private static final int MOST_LOGPROBS = 20;
    private static final String SAME_AS_MAX_TOKENS = "max_completion_tokens";
    /** Checked, but not passed on: the form of one caller's answer is not part of the question. */
    private static final Set<String> OF_THE_ANSWER = Set.of("stream_options");
    private static final double MOST_BIAS = 100;

    private Parameters() {}

    /** The fields that both paths know. */
    public static Map<String, RawJson> of(JsonBody body) {
        check(body);
        Map<String, RawJson> parameters = new LinkedHashMap<>();
        KNOWN.stream().filter(body::has).forEach(name -> parameters.put(name, body.raw(name)));
        if (body.isEmpty("tools")) {
            // An empty object, as some clients send it, also means no tools.
            parameters.remove("tools");
        }
        if (body.has(SAME_AS_MAX_TOKENS)) {
            // OpenAI's newer name for the same parameter.
            parameters.put("max_tokens", body.raw(SAME_AS_MAX_TOKENS));
        }
        return parameters;
    }

    /** The fields of OpenAI's path. */
    public static Map<String, RawJson> ofCompletion(JsonBody body) {
        for (String name : body.names()) {
            if (!isKnown(name) && !body.isEmpty(name)) {
                throw body.wrong(name, "is not supported here: nothing that was asked for is dropped silently");
            }
        }
        checkOpenAi(body);
        Map<String, RawJson> parameters = of(body);
        OF_OPENAI.stream().filter(body::has).forEach(name -> parameters.put(name, body.raw(name)));
        return parameters;
    }

    private static boolean isKnown(String name) {
        return KNOWN.contains(name) || OF_OPENAI.contains(name) || OF_THE_ANSWER.contains(name)
                || name.equals(SAME_AS_MAX_TOKENS) || ChatRequest.OWN.contains(name);
    }

    private static void checkOpenAi(JsonBody body) {
        body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE);
        body.integer("top_logprobs", 0, MOST_LOGPROBS);
        List.of("store", "parallel_tool_calls", "logprobs").forEach(name -> body.flag(name, false));
        List.of("reasoning_effort", "service_tier").forEach(body::text);
        strings(body.object("metadata"));
        if (body.has("stop") && !body.isArray("stop")) {
            body.text("stop");
        }
    }

    private static void check(JsonBody body) {
        body.integer("max_tokens", 1, Integer.MAX_VALUE);
        body.integer(SAME_AS_MAX_TOKENS, 1, Integer.MAX_VALUE);
        if (body.has("max_tokens") && body.has(SAME_AS_MAX_TOKENS)
                && !body.raw("max_tokens").equals(body.raw(SAME_AS_MAX_TOKENS))) {
            throw body.wrong(SAME_AS_MAX_TOKENS, "differs from max_tokens, which is the same");
        }
        body.number("temperature", 0, 2);
        body.number("top_p", 0, 1);
        body.number("presence_penalty", -2, 2);
        body.number("frequency_penalty", -2, 2);
        // One turn has one answer.
        body.integer("n", 1, 1);
        OBJECTS.forEach(body::object);
        bias(body.object("logit_bias"));
        strings(body.object("headers"));
        streamOptions(body.object("stream_options"));
        tools(body);
    }

    private static void streamOptions(JsonBody options) {
        if (options == null) {
            return;
        }
        options.flag("include_usage", false);
        if (options.flag("include_obfuscation", false)) {
            throw options.wrong("include_obfuscation", "can only be false: no chunk is padded here");
        }
        options.only(Set.of("include_usage", "include_obfuscation"));
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
        if (!body.isEmpty("tools")) {
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
