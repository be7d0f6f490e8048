package io.chatrelay.inkeep;

import java.math.BigDecimal;
import java.util.Map;

import io.chatrelay.event.RawJson;

/**
 * Values that ask for nothing: what a request means without the parameter, by OpenAI's API reference. Frameworks send them unasked and
 * cannot be told not to, so every upstream takes them, whether or not it has such a setting.
 */
final class NeutralParameters {

    private static final String NOTHING = "{}";
    private static final String NONE = "[]";
    private static final Map<String, String> NUMBERS = Map.of("temperature", "1", "top_p", "1", "n", "1", "presence_penalty",
            "0",
            "frequency_penalty", "0", "top_logprobs", "0");
    private static final Map<String, String> VALUES = Map.ofEntries(Map.entry("logit_bias", NOTHING),
            Map.entry("metadata", NOTHING),
            Map.entry("headers", NOTHING), Map.entry("runConfig", NOTHING), Map.entry("userProperties", NOTHING),
            Map.entry("properties", NOTHING), Map.entry("requestContext", NOTHING), Map.entry("stop", NONE),
            Map.entry("tools", NONE), Map.entry("functions", NONE), Map.entry("store", "false"), Map.entry("logprobs", "false"),
            Map.entry("parallel_tool_calls", "true"), Map.entry("service_tier", "\"auto\""),
            Map.entry("modalities", "[\"text\"]"), Map.entry("response_format", "{\"type\":\"text\"}"));

    private NeutralParameters() {}

    /** @param parameters all of the request: what a choice of tools means depends on whether there are any */
    static boolean isNeutral(String parameter, Map<String, RawJson> parameters) {
        String value = parameters.get(parameter).text();
        if (NUMBERS.containsKey(parameter)) {
            return isNumber(parameter, value);
        }
        if (parameter.equals("tool_choice") || parameter.equals("function_call")) {
            boolean tools = !parameters.getOrDefault("tools", new RawJson(NONE)).text().equals(NONE);
            return !tools && (value.equals("\"auto\"") || value.equals("\"none\""));
        }
        return value.equals(VALUES.get(parameter));
    }

    /**
     * Whether it is a number that asks for nothing. One of these is sent where it may be: what an upstream does of its own accord may be
     * another number than OpenAI's.
     */
    static boolean isNumber(String parameter, String value) {
        String neutral = NUMBERS.get(parameter);
        return neutral != null && new BigDecimal(value).compareTo(new BigDecimal(neutral)) == 0;
    }
}
