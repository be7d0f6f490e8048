package io.chatrelay.inkeep;

import java.math.BigDecimal;
import java.util.Map;

import io.chatrelay.event.RawJson;

/**
 * Values without an effect: by OpenAI's API reference, they mean the same as a request without the parameter. Frameworks always send them and
 * cannot be configured not to, so every upstream accepts them, whether or not it has such a setting.
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

    /** @param parameters all of the request: the meaning of a tool choice depends on whether there are tools */
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
     * Whether it is a number without an effect. Such a number is sent if the upstream accepts the parameter, because the upstream's own default
     * may differ from OpenAI's.
     */
    static boolean isNumber(String parameter, String value) {
        String neutral = NUMBERS.get(parameter);
        return neutral != null && new BigDecimal(value).compareTo(new BigDecimal(neutral)) == 0;
    }
}
