package io.chatrelay.upstream;

import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Usage;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;

/** The run of one turn at its upstream, for as long as the turn runs on this replica. */
public interface UpstreamRun {

    /**
     * The answer, to be subscribed to once. Nothing is sent before that, and nothing is read beyond what is requested. The last item is an
     * {@link ChatEvent.Ended}, and the only item if the upstream rejected the request. Errors are events, never a failure of the {@code Multi}. Only
     * a run that {@linkplain Upstream.Approvals#ends ends its answer at an approval} completes without an {@code Ended}: it waits, and continues by
     * {@link #deliver}. Cancelling closes the connection.
     */
    Multi<ChatEvent> answer();

    /**
     * Sends the upstream a decision on a call that this turn announced: one try, on subscription. Never fails: an error is a {@link DeliveryResult}.
     * Cancelling closes the connection.
     *
     * @param wanted checked again immediately before sending, on any thread, because the delivery may have waited for a connection
     */
    Uni<DeliveryResult> deliver(Decision decision, BooleanSupplier wanted);

    /** Whether the run continues at its upstream when this process detaches, so that another process can resume it from the stored events. */
    boolean outlivesReaders();

    /** The token usage, as far as the upstream has reported it, or null. */
    @Nullable
    Usage usage();

    /** Whether this is proven to be the turn's run: a new run always is; a resumed run is once all stored events have been replayed. */
    boolean isProven();
}
