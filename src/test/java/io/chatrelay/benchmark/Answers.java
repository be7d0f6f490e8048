package io.chatrelay.benchmark;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;

import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.RoundRobin;

/** Turns of one replica, each with one reader that comes back through a round-robin, and when each was back and had its next event. */
final class Answers implements AutoCloseable {

    /** One reader, and the moments of its first head and its first event after something has happened. */
    static final class Answer {

        private final EventSourceReader reader;
        private final AtomicLong back = new AtomicLong();
        private final AtomicLong next = new AtomicLong();
        private volatile int connectionsBefore = Integer.MAX_VALUE;

        Answer(RelayProcess owner, RoundRobin both, String conversation, String text) {
            reader = EventSourceReader.asking(owner, both.api(), "agents", conversation, text, () -> note(back),
                    _ -> note(next));
        }

        private void note(AtomicLong first) {
            if (connectionsBefore != Integer.MAX_VALUE && first.get() == 0 && reader.connections() > connectionsBefore) {
                first.compareAndSet(0, System.nanoTime());
            }
        }

        EventSourceReader reader() {
            return reader;
        }
    }

    private final RoundRobin both;
    private final List<Answer> answers;
    private long since;

    /** Opens the streams within about a second. */
    Answers(RelayProcess owner, RelayProcess other, String run, int streams, String text) throws InterruptedException {
        both = new RoundRobin(owner, other);
        Answer[] opened = new Answer[streams];
        for (int i = 0; i < streams; i++) {
            opened[i] = new Answer(owner, both, run + "-" + i, text);
            TimeUnit.MILLISECONDS.sleep(1000 / streams);
        }
        answers = List.of(opened);
    }

    List<Answer> all() {
        return answers;
    }

    void awaitEvents(int count) {
        answers.forEach(answer -> answer.reader().awaitEvents(count));
    }

    /** From now on: the next event that comes by another connection than the present one. */
    void watchNewConnections() {
        since = System.nanoTime();
        answers.forEach(answer -> answer.connectionsBefore = answer.reader().connections());
    }

    /** From now on: the next event. */
    void watch() {
        since = System.nanoTime();
        answers.forEach(answer -> answer.connectionsBefore = 0);
    }

    /** Waits until each reader has its next event, or its turn's end. */
    void awaitNext() throws InterruptedException {
        for (Answer answer : answers) {
            while (answer.next.get() == 0 && answer.reader().stoppedBy() == 0) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
        }
    }

    /** Microseconds until each reader's stream had begun again; -1 for one whose did not. */
    List<Long> backs() {
        return since(answer -> answer.back.get());
    }

    /** Microseconds until each reader's next event; -1 for one that had none before its turn's end. */
    List<Long> nexts() {
        return since(answer -> answer.next.get());
    }

    private List<Long> since(ToLongFunction<Answer> moment) {
        return answers.stream().mapToLong(moment).mapToObj(at -> at == 0 ? -1 : (at - since) / 1000).toList();
    }

    @Override
    public void close() {
        answers.forEach(answer -> answer.reader().leave());
        both.close();
    }
}
