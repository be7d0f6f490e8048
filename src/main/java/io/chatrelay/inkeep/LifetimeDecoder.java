package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;

/**
 * A body of a classic run, which falls mute at the end of its {@link StreamLifetime}. When the run itself ends after that, its stream still
 * says {@code [DONE]}, and no {@code completion} before it: that is no failure of the run.
 *
 * @param body          takes the frames
 * @param decoder       inside it
 * @param goesOn        whether what follows is looked for elsewhere once this body says nothing more; else the run ends here
 * @param isNew         whether what comes now has not been heard before
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
        // The end of its run a mute stream tells, too.
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
