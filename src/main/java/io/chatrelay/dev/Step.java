package io.chatrelay.dev;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What an answer does next. A script is a stream of steps, drawn lazily, so that it may be endless. */
sealed interface Step {

    /** Sends one piece, in one write. The text is made at that moment, so it can hold the time. */
    record Send(Supplier<String> text) implements Step {}

    /** Waits until so many milliseconds after the step before was due; pauses add up without drift. */
    record Pause(long millis) implements Step {}

    /**
     * Waits for a decision on every call.
     *
     * @param endsAnswer whether the reader's answer ends here, as in durable mode, and the run goes on without one
     * @param outcome    what one decision sets off
     * @param then       what follows when all are decided
     */
    record Ask(List<ToolCall> calls, boolean endsAnswer, BiFunction<ToolCall, Decision, Stream<Step>> outcome,
            Supplier<Stream<Step>> then) implements Step {}

    /**
     * Breaks the reader's connection. Where runs outlive their readers, this one goes on.
     *
     * @param reset whether the other side learns it by a TCP reset, as of a process that is gone, and not by a clean close
     */
    record Cut(boolean reset) implements Step {}

    /**
     * The end of the stream's lifetime: the run goes on, and of what it says only {@code [DONE]} comes through.
     *
     * @param everywhere whether it cannot be read again either, as upstream, where the buffer is fed by the muted stream
     */
    record Mute(boolean everywhere) implements Step {}

    /** Says nothing, for as long as the reader stays. */
    record Hang() implements Step {}

    /** One tool's call, and what goes wrong with the decisions about it. */
    record ToolCall(String id, Tool tool, ApprovalFaults faults) {}

    /** What was said about a call, and how long after it was asked. */
    record Decision(boolean approved, String reason, long afterMillis) {}

    static Step send(String text) {
        return new Send(() -> text);
    }

    static Stream<Step> pause(long millis) {
        return millis > 0 ? Stream.of(new Pause(millis)) : Stream.empty();
    }

    // Not Stream.of(parts).flatMap(..): an iterator over flatMap reads each inner stream whole, and some never end.
    @SafeVarargs
    static Stream<Step> sequence(Stream<Step>... parts) {
        Stream<Step> all = Stream.empty();
        for (Stream<Step> part : parts) {
            all = Stream.concat(all, part);
        }
        return all;
    }
}
