package io.chatrelay.event;

import org.jspecify.annotations.Nullable;

/**
 * Tokens that an answer used, as the upstream counted them.
 *
 * @param counted the upstream's own object, which contains the three counts and more details; null if it gave only the counts
 */
public record Usage(long promptTokens, long completionTokens, long totalTokens, @Nullable RawJson counted) {

    public Usage(long promptTokens, long completionTokens, long totalTokens) {
        this(promptTokens, completionTokens, totalTokens, null);
    }
}
