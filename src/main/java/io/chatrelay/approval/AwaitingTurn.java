package io.chatrelay.approval;

import java.util.UUID;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Turn;
import io.chatrelay.upstream.UpstreamRun;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.Cancellable;

/** A turn that runs on this replica and waits for decisions, as the outbox knows it. Every method may be called on any thread. */
public interface AwaitingTurn {

    Turn turn();

    /** The incarnation that owns the turn. */
    UUID owner();

    UpstreamRun run();

    /** The ledger has a decision on one of the turn's calls. The outbox may report it more than once; it counts once. */
    void decided(Ledger.Due decision);

    /** Whether the turn runs and the call has no outcome yet. */
    boolean awaits(String callId);

    /** Whether the answer has ended at an approval: the upstream sends nothing more before it gets a decision. */
    boolean isParked();

    /** The delivery of a decision begins. Until it has ended, the turn is not handed over. */
    void deliveryBegins();

    /** The call that delivers a decision. If its response is the rest of the answer, the end of the turn cancels it. */
    void deliversBy(Cancellable call);

    /** The result of a delivery is known, or is known to be unknown. */
    void deliveryEnds();

    /** The upstream has acknowledged a decision without continuing its answer. */
    void acknowledged();

    /** The upstream has accepted a decision, and continues its answer. */
    void continuesWith(Multi<ChatEvent> rest);

    /** A decision cannot be delivered: its call will get no outcome, and the turn fails. */
    void undeliverable(String why);

    /** A defect of this service: the turn fails. */
    void onError(Throwable defect);
}
