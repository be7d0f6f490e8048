package io.chatrelay.upstream;

import java.util.function.BooleanSupplier;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Usage;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;

/** One turn at its upstream, for as long as the turn runs here. */
public interface UpstreamRun {

    /**
     * The answer, to be subscribed to once. Nothing is sent before that, and nothing is read beyond what is requested. The last
     * item is an {@link ChatEvent.Ended}, alone where the upstream refused; what goes wrong is an event, never a failure of the
     * {@code Multi}. Only a run that {@linkplain Upstream.Approvals#ends ends its answer at an approval} completes without an
     * {@code Ended}: it waits, and goes on by {@link #deliver}. Cancelling closes the connection.
     */
    Multi<ChatEvent> answer();

    /**
     * Tells the upstream a decision on a call that this turn announced; one try, sent when it is subscribed to. Never fails: what goes
     * wrong is a {@link DeliveryResult}.
     * Cancelling closes the connection.
     *
     * @param wanted asked once more right before it is sent, on any thread: a connection may have been waited for
     */
    Uni<DeliveryResult> deliver(Decision decision, BooleanSupplier wanted);

    /** Whether it goes on at its upstream when this process leaves it, so that another one can follow it from what is stored. */
    boolean outlivesReaders();

    /** What it cost, as far as the upstream has told it, or null. */
    Usage usage();

    /** Whether it is known to be the turn's run: a new one is; one that is followed further is once all that is stored came again. */
    boolean isProven();
}
