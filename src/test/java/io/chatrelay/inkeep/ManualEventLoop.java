package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.function.Consumer;

/** An event loop that the test runs, with a clock that the test sets. */
final class ManualEventLoop implements EventLoop {

    private record Timer(long id, long nanos, Runnable task) {}

    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>(
            Comparator.comparingLong(Timer::nanos).thenComparingLong(Timer::id));
    private long now = Duration.ofDays(1).toNanos();
    private long lastTimer;
    private boolean running;
    private Consumer<Throwable> defects = thrown -> {
        throw new AssertionError(thrown);
    };

    /** As a context's exception handler. */
    void onDefect(Consumer<Throwable> handler) {
        defects = handler;
    }

    /** Runs the task, and then all that is dispatched, before it and by it. */
    void run(Runnable task) {
        tasks.addFirst(task);
        run();
    }

    /** Runs all that is dispatched. */
    void run() {
        running = true;
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            try {
                task.run();
            } catch (RuntimeException e) {
                defects.accept(e);
            }
        }
        running = false;
    }

    /** Runs all that is dispatched. Then time passes, and the timers fire that are due by then. */
    void advance(Duration time) {
        run();
        long until = now + time.toNanos();
        while (!timers.isEmpty() && timers.peek().nanos() <= until) {
            Timer due = timers.poll();
            now = due.nanos();
            run(due.task());
        }
        now = until;
    }

    int timers() {
        return timers.size();
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public boolean isCurrent() {
        return running;
    }

    @Override
    public long setTimer(long millis, Runnable task) {
        if (millis < 1) {
            throw new IllegalArgumentException("a timer of %d ms".formatted(millis));
        }
        timers.add(new Timer(++lastTimer, now + Duration.ofMillis(millis).toNanos(), task));
        return lastTimer;
    }

    @Override
    public void cancelTimer(long timer) {
        timers.removeIf(one -> one.id() == timer);
    }

    @Override
    public long nanoTime() {
        return now;
    }
}
