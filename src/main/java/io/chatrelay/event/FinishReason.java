package io.chatrelay.event;

import java.util.Arrays;
import java.util.Locale;

/** Why the model stopped, in the AI SDK's terms. Source: {@code finishReason} of AI SDK 6's UI message stream. */
public enum FinishReason {

    STOP,
    LENGTH,
    CONTENT_FILTER,
    TOOL_CALLS,
    ERROR,
    /** The upstream ended successfully with an unknown reason, or without one. */
    OTHER;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The reason of that name, with {@code _} or {@code -} between words; {@link #OTHER} for an unknown name. */
    public static FinishReason of(String name) {
        return Arrays.stream(values()).filter(reason -> reason.wireName().equals(name.replace('_', '-'))).findFirst()
                .orElse(OTHER);
    }
}
