package io.chatrelay.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;

class EventLoopLagTest {

    private static final Duration MUCH = Duration.ofSeconds(3);

    private final Vertx vertx = Vertx.vertx();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final EventLoopLag lag = new EventLoopLag(vertx, metrics);

    @AfterEach
    void close() {
        lag.end();
        vertx.close();
    }

    @Test
    void growsWhileOneLoopIsBlockedAndFallsWhenItGoesOn() {
        CountDownLatch goOn = new CountDownLatch(1);
        lag.begin();
        await().atMost(Duration.ofMinutes(1)).until(() -> lag.current().compareTo(MUCH) < 0);

        vertx.runOnContext(_ -> {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });

        await().atMost(Duration.ofMinutes(1)).until(() -> lag.current().compareTo(MUCH) > 0);
        assertThat(metrics.get("chat.relay.event.loop.lag.seconds").gauge().value()).isGreaterThan(MUCH.toSeconds());
        goOn.countDown();
        await().atMost(Duration.ofMinutes(1)).until(() -> lag.current().compareTo(MUCH) < 0);
    }
}
