package io.chatrelay.dev;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** A map that forgets what was not touched for longest: an emulator may run for weeks. */
final class LruMap<K, V> extends LinkedHashMap<K, V> {

    private final int max;
    private final transient Consumer<V> forgotten;

    LruMap(int max) {
        this(max, _ -> {});
    }

    LruMap(int max, Consumer<V> forgotten) {
        super(16, 0.75f, true);
        this.max = max;
        this.forgotten = forgotten;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        boolean tooMany = size() > max;
        if (tooMany) {
            forgotten.accept(eldest.getValue());
        }
        return tooMany;
    }
}
