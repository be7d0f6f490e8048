package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;

/**
 * A body of a classic run, which becomes mute at the end of its {@link StreamLifetime}. If the run itself ends after that, its stream still
 * sends {@code [DONE]}, but no {@code completion} before it: that is not a failure of the run.
 *
 * @param body    takes the frames
 * @param decoder the decoder inside {@code body}
 * @param goesOn  whether the rest is read elsewhere after this body sends nothing more; otherwise the run ends here
 * @param isNew   whether the current frame was not received before
 */
record LifetimeDecoder(AnswerDecoder body, AgentsDecoder decoder, StreamLifetime lifetime, boolean goesOn,
        BooleanSupplier isNew)
        implements
            AnswerDecoder {

    @Override
    public void decode(String event, String data, List<ChatEvent> out) {
        body.decode(event, data, out);
        unlessMute(out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        body.ended(out);
        unlessMute(out);
    }

    @Override
    public void broken(List<ChatEvent> out) {
        body.broken(out);
        unlessMute(out);
    }

    @Override
    public void heard(String data, long sinceNanos) {
        // A mute stream also sends the end of its run.
        if (!data.equals(AgentsDecoder.DONE) && isNew.getAsBoolean()) {
            lifetime.heard(sinceNanos);
        }
    }

    @Override
    public Optional<Duration> patience(long sinceNanos) {
        return lifetime.patience(sinceNanos);
    }

    private void unlessMute(List<ChatEvent> out) {
        if (!out.isEmpty() && out.getLast() instanceof Ended ended && isUnexplained(ended) && lifetime.isOver()) {
            out.removeLast();
            if (!goesOn) {
                out.add(lifetime.ended());
            }
        }
    }

    private boolean isUnexplained(Ended ended) {
        return ended.failure() != null && !decoder.hasToldError() && (ended.failure().code() == Failure.Code.UPSTREAM_CUT
                || ended.failure().code() == Failure.Code.UPSTREAM_ERROR);
    }
}
