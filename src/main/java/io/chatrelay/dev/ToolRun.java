package io.chatrelay.dev;

import static io.chatrelay.dev.Step.pause;
import static io.chatrelay.dev.Step.sequence;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.chatrelay.dev.Step.Decision;
import io.chatrelay.dev.Step.ToolCall;

/**
 * A run in which the model calls tools and then repeats what they said: recordings 20a, 21a, 30, 31, 32 and 80a. Where
 * a decision comes after the model's timeout the tool still runs, and then the run starts over and asks again: 38b.
 */
final class ToolRun {

    private static final AtomicInteger CALLS = new AtomicInteger();
    private static final long CLASSIC_MODEL_TIMEOUT_MILLIS = 270_000;
    private static final long DURABLE_WAIT_MILLIS = 1_800_000;

    private final AgentsDialect dialect;
    private final Turn turn;
    private final List<List<Tool>> rounds;
    private final CallIds ids;
    private final ApprovalFaults faults;
    private final long timeoutMillis;
    private final List<String> said = new ArrayList<>();
    private boolean late;

    ToolRun(AgentsDialect dialect, Turn turn, ToolKeyword keyword) {
        this.dialect = dialect;
        this.turn = turn;
        this.rounds = keyword.rounds();
        this.ids = keyword.ids();
        this.faults = keyword.faults();
        this.timeoutMillis = faults.timeoutMillis() >= 0 ? faults.timeoutMillis()
                : dialect.durable ? DURABLE_WAIT_MILLIS : CLASSIC_MODEL_TIMEOUT_MILLIS;
    }

    Stream<Step> steps() {
        return sequence(dialect.open(), pause(140), attempt());
    }

    private Stream<Step> attempt() {
        said.clear();
        late = false;
        return round(0);
    }

    private Stream<Step> round(int index) {
        List<Tool> tools = rounds.get(index);
        int number = CALLS.incrementAndGet();
        List<ToolCall> calls = IntStream.range(0, tools.size())
                .mapToObj(i -> new ToolCall(ids.id(turn.key(), number, i), tools.get(i), faults)).toList();
        if (tools.stream().noneMatch(tool -> tool.needsApproval)) {
            List<Step> results = calls.stream().flatMap(this::runs).toList();
            return sequence(calls.stream().flatMap(dialect::input), pause(35 + faults.slowMillis()), results.stream(),
                    afterwards(index));
        }
        Stream<Step> asks = IntStream.range(0, calls.size()).boxed()
                .flatMap(i -> sequence(pause(i == 0 ? 0 : 60), asked(calls.get(i))));
        Stream<Step> waits = Stream.of(new Step.Ask(calls, dialect.durable, this::outcome, () -> afterwards(index)));
        // A decision on the first call counts before the second has asked; a durable run hears none before its answer has ended.
        return dialect.durable ? sequence(asks, waits) : sequence(waits, asks);
    }

    private Stream<Step> asked(ToolCall call) {
        return sequence(dialect.input(call), dialect.approvalRequest(call));
    }

    private Stream<Step> outcome(ToolCall call, Decision decision) {
        late |= decision.afterMillis() > timeoutMillis;
        if (decision.approved()) {
            return sequence(pause(6 + faults.slowMillis()), runs(call));
        }
        said.add(dialect.saidDenied(decision.reason()));
        return dialect.denied(call, decision.reason());
    }

    private Stream<Step> runs(ToolCall call) {
        said.add(dialect.said(call));
        return dialect.output(call);
    }

    private Stream<Step> afterwards(int index) {
        if (late) {
            return sequence(pause(440), attempt());
        }
        return index + 1 < rounds.size() ? sequence(pause(140), round(index + 1))
                : sequence(pause(dialect.pace().beforeFirst()), answer());
    }

    private Stream<Step> answer() {
        return sequence(Script.say(dialect, text(), dialect.pace().perWord()), pause(dialect.pace().beforeEnd()),
                dialect.complete());
    }

    // A durable run's model was recorded (71c) as taking the framework's own prompt for a second message of the user.
    private String text() {
        return dialect.durable
                ? dialect.ordinaryText(new Turn(turn.key(),
                        "above contain the information needed to respond to the user.", turn.messages() + 1))
                : "\n\nTool said: " + String.join(" | ", said);
    }
}
