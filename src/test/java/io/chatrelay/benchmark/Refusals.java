package io.chatrelay.benchmark;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;

/** What somebody is told who sends messages while they cannot be taken. */
final class Refusals {

    private static final long MILLIS_BETWEEN = 250;

    private final RelayClient client;

    Refusals(RelayProcess relay) {
        this.client = new RelayClient(relay);
    }

    /** Sends one after another for so long, and tells how often each status came, and the slowest answer. */
    String during(int seconds) throws InterruptedException {
        Map<Integer, Integer> answers = new TreeMap<>();
        long slowest = 0;
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (int i = 0; System.nanoTime() < until; i++) {
            long start = System.nanoTime();
            int status = client.post("/run/api/chat", RelayClient.body("agents", "refused-" + i, "echo now?")).statusCode();
            slowest = Math.max(slowest, System.nanoTime() - start);
            answers.merge(status, 1, Integer::sum);
            TimeUnit.MILLISECONDS.sleep(MILLIS_BETWEEN);
        }
        return "sends answered meanwhile by status: %s, the slowest after %d ms".formatted(answers,
                TimeUnit.NANOSECONDS.toMillis(slowest));
    }
}
