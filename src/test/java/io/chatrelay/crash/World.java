package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import io.chatrelay.support.it.RelayClient;

/** What the callers share: the service, what they note, and whether they shall go on. */
final class World {

    /** No single thing takes longer: a round heals within seconds, and nothing that the emulator says lasts longer than this. */
    static final Duration PATIENCE = Duration.ofSeconds(90);

    final Cluster cluster;
    final History history;
    final Stored stored;
    /** Upstreams by conversations, of those in which something was sent. */
    final Map<String, String> conversations = new ConcurrentHashMap<>();
    private final AtomicInteger marks = new AtomicInteger();
    private volatile boolean stopping;

    World(Cluster cluster, History history) {
        this.cluster = cluster;
        this.history = history;
        this.stored = new Stored(cluster.database);
    }

    int mark() {
        return marks.incrementAndGet();
    }

    void stop() {
        stopping = true;
    }

    boolean isStopping() {
        return stopping;
    }

    /** @param fields further headers: name, value, name, value */
    Http call(int replica, String method, String path, String body, Duration patience, String... fields) throws IOException {
        Map<String, String> headers = new HashMap<>(Map.of("authorization", "Bearer " + RelayClient.KEY));
        if (body != null) {
            headers.put("content-type", "application/json");
        }
        for (int i = 0; i < fields.length; i += 2) {
            headers.put(fields[i], fields[i + 1]);
        }
        Http http = new Http(cluster.api(replica), method, path, headers, body, patience);
        if (http.status() == 500) {
            history.violation("500", "%s %s, request %s".formatted(method, path, http.header("x-request-id")));
        }
        return http;
    }

    /** A caller's own pause; what callers do is not awaited, but paced. */
    static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
