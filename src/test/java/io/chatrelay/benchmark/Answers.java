package io.chatrelay.benchmark;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import io.chatrelay.it.EventSourceReader;
import io.chatrelay.it.RelayProcess;
import io.chatrelay.it.RoundRobin;

/** Turns of one replica, each with one reader that comes back through a round-robin, and when each came back. */
final class Answers implements AutoCloseable {

    /** One reader, and the moment of its first event after something has happened. */
    static final class Answer {

        private final EventSourceReader reader;
        private final AtomicLong cameBack = new AtomicLong();
        private volatile int connectionsBefore = Integer.MAX_VALUE;

        Answer(RelayProcess owner, RoundRobin both, String conversation, String text) {
            reader = EventSourceReader.asking(owner, both.api(), "agents", conversation, text, _ -> note());
        }

        private void note() {
            if (connectionsBefore != Integer.MAX_VALUE && cameBack.get() == 0 && reader.connections() > connectionsBefore) {
                cameBack.compareAndSet(0, System.nanoTime());
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

    /** Microseconds until each came back; -1 for one that did not before its turn's end. */
    List<Long> awaitComebacks() throws InterruptedException {
        for (Answer answer : answers) {
            while (answer.cameBack.get() == 0 && answer.reader().stoppedBy() == 0) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
        }
        return IntStream.range(0, answers.size()).mapToObj(i -> answers.get(i).cameBack.get())
                .map(at -> at == 0 ? -1 : (at - since) / 1000).toList();
    }

    @Override
    public void close() {
        answers.forEach(answer -> answer.reader().leave());
        both.close();
    }
}
