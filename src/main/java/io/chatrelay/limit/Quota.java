package io.chatrelay.limit;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * What a caller may have of one {@link Limit}.
 *
 * @param amount  in the limit's unit
 * @param window  the time after which the amount is there again; null for what is given back one by one
 * @param setting the key that sets it
 */
public record Quota(Limit limit, long amount, @Nullable Duration window, String setting) {

    /**
     * How much is left.
     *
     * @param reset time until there is more, or null if that is not known
     */
    public record Left(Quota quota, long remaining, @Nullable Duration reset) {}

    Left left(long remaining, @Nullable Duration reset) {
        return new Left(this, Math.max(0, remaining), reset);
    }
}
