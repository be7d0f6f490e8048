package io.chatrelay.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxInternal;

/**
 * How late the event loops run what is due: the time that every event of every stream waits beside its own work. Each loop has a timer, whose
 * lateness counts until it runs again.
 */
@ApplicationScoped
class EventLoopLag {

    /** Ten times a second: an overload is seen soon, and the timers cost nothing that could be measured. */
    private static final long EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** The timer of one event loop. */
    private final class Probe implements Runnable {

        private final EventExecutor loop;
        private volatile long due;
        private volatile long late;

        Probe(EventExecutor loop) {
            this.loop = loop;
            plan();
        }

        private void plan() {
            due = System.nanoTime() + EVERY_NANOS;
            loop.schedule(this, EVERY_NANOS, TimeUnit.NANOSECONDS);
        }

        @Override
        public void run() {
            late = Math.max(0, System.nanoTime() - due);
            if (!stopped) {
                plan();
            }
        }

        /** A loop that hangs is late before its timer runs. */
        private long late() {
            return Math.max(late, System.nanoTime() - due);
        }
    }

    private final EventExecutorGroup loops;
    private final List<Probe> probes = new ArrayList<>();
    private volatile boolean stopped;

    EventLoopLag(Vertx vertx, MeterRegistry metrics) {
        this.loops = ((VertxInternal) vertx).getEventLoopGroup();
        // The name ends with its unit, as Prometheus writes it.
        Gauge.builder("chat.relay.event.loop.lag.seconds", this, lag -> lag.current().toNanos() / 1e9)
                .description("How late the latest of the event loops runs what is due").register(metrics);
    }

    void start(@Observes StartupEvent event) {
        begin();
    }

    void stop(@Observes ShutdownEvent event) {
        end();
    }

    synchronized void begin() {
        loops.forEach(loop -> probes.add(new Probe(loop)));
    }

    void end() {
        stopped = true;
    }

    /** Of the loop that is latest. */
    synchronized Duration current() {
        return Duration.ofNanos(stopped ? 0 : probes.stream().mapToLong(Probe::late).max().orElse(0));
    }
}
