package io.chatrelay.devmode;

import java.util.function.ToIntFunction;

/** Counts how often something was asked. */
final class Attempts implements ToIntFunction<String> {

    private final Recent<String, Integer> counts = new Recent<>(20_000);

    @Override
    public int applyAsInt(String key) {
        return counts.merge(key, 1, Integer::sum);
    }
}
