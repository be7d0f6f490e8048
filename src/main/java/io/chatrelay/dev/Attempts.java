package io.chatrelay.dev;

import java.util.function.ToIntFunction;

/** Counts how often something was asked. */
final class Attempts implements ToIntFunction<String> {

    private final LruMap<String, Integer> counts = new LruMap<>(20_000);

    @Override
    public int applyAsInt(String key) {
        return counts.merge(key, 1, Integer::sum);
    }
}
