package io.chatrelay.event;

/**
 * Tokens that an answer cost, as the upstream counted them.
 *
 * @param counted the upstream's own object with its details, in which the three counts are there; null where it gave no more than those
 */
public record Usage(long promptTokens, long completionTokens, long totalTokens, RawJson counted) {

    public Usage(long promptTokens, long completionTokens, long totalTokens) {
        this(promptTokens, completionTokens, totalTokens, null);
    }
}
