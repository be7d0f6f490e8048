package io.chatrelay.dev;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import io.chatrelay.dev.Step.Ask;
import io.chatrelay.dev.Step.Decision;
import io.chatrelay.dev.Step.Pause;
import io.chatrelay.dev.Step.Send;
import io.chatrelay.dev.Step.ToolCall;
import io.vertx.core.Context;
import io.vertx.core.Vertx;

/**
 * Performs the steps of one answer, with their pauses and no faster than the reader reads. Lives on one event loop and
 * needs no thread of its own; while it waits, it holds one timer or one handler.
 */
final class Run {

    /** Waits for a decision go here, to be found by the id of the call. */
    interface Desk {
        void asked(ToolCall call, Run run);
    }

    private enum Waiting {
        NO, TIMER, DRAIN, DECISION
    }

    /** Steps before others on the event loop get their turn: a fast reader of an endless answer would starve them. */
    private static final int STEPS_IN_A_ROW = 64;

    private final Vertx vertx = Vertx.currentContext().owner();
    private final Context context = Vertx.currentContext();
    private final Deque<Iterator<Step>> agenda = new ArrayDeque<>();
    private final Set<ToolCall> undecided = new HashSet<>();
    private final Desk desk;
    private final boolean readerBound;
    private final RunRecorder continuedTape;
    private RunRecorder tape;
    private EventSink outlet;
    private Ask asking;
    private long askedAt;
    private long due;
    private Waiting waiting = Waiting.NO;
    private Step.Mute mute;
    private boolean hurried;
    private Runnable whenOver;
    private boolean over;

    /**
     * @param continuedTape what it is recorded on once it goes on in another answer
     * @param readerBound   whether it is over when its reader goes; if not, it goes on for the tape
     */
    Run(Stream<Step> steps, EventSink outlet, RunRecorder tape, RunRecorder continuedTape, Desk desk, boolean readerBound) {
        agenda.add(steps.iterator());
        this.tape = tape;
        this.continuedTape = continuedTape;
        this.desk = desk;
        this.readerBound = readerBound;
        show(outlet);
    }

    void start() {
        due = millis();
        perform();
    }

    /** From now on it says what it has to say without any pause. */
    void hurry() {
        hurried = true;
        goOnAfter(Waiting.TIMER);
    }

    /** Before it starts. */
    void whenOver(Runnable task) {
        whenOver = task;
    }

    /** Durable mode: from now on events go to this reader, and are not in the conversation's replay. */
    void continueOn(EventSink reader) {
        outlet.end();
        tape = continuedTape;
        show(reader);
    }

    void decide(ToolCall call, boolean approved, String reason) {
        if (over || !undecided.remove(call)) {
            return;
        }
        agenda.add(asking.outcome().apply(call, new Decision(approved, reason, millis() - askedAt)).iterator());
        if (undecided.isEmpty()) {
            agenda.add(asking.then().get().iterator());
            asking = null;
        }
        if (waiting == Waiting.DECISION) {
            due = millis();
            perform();
        }
    }

    /** Whether a decision lets the run go on in a new answer, because its own has ended. */
    boolean isDurable() {
        return asking != null && asking.endsAnswer();
    }

    private void show(EventSink reader) {
        outlet = reader;
        outlet.whenGone(() -> {
            outlet = EventSink.NOWHERE;
            if (readerBound) {
                finish();
            } else if (waiting == Waiting.DRAIN) {
                perform();
            }
        });
    }

    private void perform() {
        waiting = Waiting.NO;
        for (int i = 0; i < STEPS_IN_A_ROW && !over; i++) {
            if (outlet.full()) {
                await(Waiting.DRAIN);
                outlet.whenDrained(() -> goOnAfter(Waiting.DRAIN));
                return;
            }
            Step step = next();
            if (step == null && asking != null) {
                if (asking.endsAnswer()) {
                    outlet.end();
                    outlet = EventSink.NOWHERE;
                }
                await(Waiting.DECISION);
                return;
            }
            if (step == null) {
                finish();
            } else if (!done(step)) {
                return;
            }
        }
        context.runOnContext(_ -> goOnAfter(Waiting.NO));
    }

    private void await(Waiting what) {
        waiting = what;
    }

    private void goOnAfter(Waiting what) {
        if (waiting == what && !over) {
            perform();
        }
    }

    private Step next() {
        while (!agenda.isEmpty()) {
            if (agenda.peek().hasNext()) {
                return agenda.peek().next();
            }
            agenda.poll();
        }
        return null;
    }

    /** @return whether the next step may follow at once */
    private boolean done(Step step) {
        return switch (step) {
            case Send(var text) -> {
                say(text.get());
                yield true;
            }
            case Step.Mute fallen -> {
                mute = fallen;
                yield true;
            }
            case Pause(long millis) -> hurried || hasPassed(millis);
            case Ask ask -> {
                ask(ask);
                yield true;
            }
            case Step.Cut(var reset) -> {
                if (reset) {
                    outlet.reset();
                } else {
                    outlet.cut();
                }
                outlet = EventSink.NOWHERE;
                if (readerBound) {
                    finish();
                }
                yield true;
            }
            case Step.Hang() -> {
                await(Waiting.DECISION);
                yield false;
            }
        };
    }

    private void say(String event) {
        boolean heard = mute == null || event.equals(AgentsDialect.DONE);
        if (heard) {
            outlet.write(event);
        }
        if (heard || !mute.everywhere()) {
            tape.add(event);
        }
    }

    private boolean hasPassed(long pause) {
        due += pause;
        long wait = due - millis();
        if (wait <= 0) {
            return true;
        }
        await(Waiting.TIMER);
        vertx.setTimer(wait, _ -> goOnAfter(Waiting.TIMER));
        return false;
    }

    private void ask(Ask ask) {
        asking = ask;
        askedAt = millis();
        undecided.addAll(ask.calls());
        ask.calls().forEach(call -> desk.asked(call, this));
    }

    private void finish() {
        if (!over) {
            over = true;
            outlet.end();
            tape.end();
            whenOver.run();
        }
    }

    private static long millis() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
}
