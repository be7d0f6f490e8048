package io.chatrelay.inkeep;

import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

import io.chatrelay.event.FinishReason;

/**
 * Maps a {@code finish_reason}: OpenAI's values, and those of other providers behind the same API. Sources: OpenAI's and Anthropic's API
 * references, {@code FinishReason} of Google's Gemini API.
 *
 * @param reason null if the answer failed
 */
record FinishReasonMapping(FinishReason reason) {

    private static final Set<String> STOPS = Set.of("stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete",
            "completed");
    private static final Set<String> LENGTHS = Set.of("length", "max_tokens", "max_output_tokens", "model_length",
            "model_context_window_exceeded");
    private static final Set<String> FILTERS = Set.of("content_filter", "safety", "recitation", "blocklist",
            "prohibited_content", "spii", "image_safety", "refusal", "guardrail_intervened", "content_filtered");
    private static final Set<String> CALLS = Set.of("tool_calls", "tool_call", "tool_use", "function_call");
    private static final String[] FAILURES = { "error", "fail", "abort", "cancel", "timeout", "malformed", "invalid",
            "unexpected", "overload", "insufficient", "exceed", "interrupt", "reject" };

    /** @param word as received, or null if there is none */
    static FinishReasonMapping of(String word) {
        if (word == null) {
            return new FinishReasonMapping(FinishReason.OTHER);
        }
        String known = word.toLowerCase(Locale.ROOT).replace('-', '_');
        if (STOPS.contains(known)) {
            return new FinishReasonMapping(FinishReason.STOP);
        }
        if (LENGTHS.contains(known)) {
            return new FinishReasonMapping(FinishReason.LENGTH);
        }
        if (FILTERS.contains(known)) {
            return new FinishReasonMapping(FinishReason.CONTENT_FILTER);
        }
        if (CALLS.contains(known)) {
            return new FinishReasonMapping(FinishReason.TOOL_CALLS);
        }
        // An unknown value that indicates a failure does not count as success.
        return new FinishReasonMapping(Stream.of(FAILURES).anyMatch(known::contains) ? null : FinishReason.OTHER);
    }

    boolean failed() {
        return reason == null;
    }
}
