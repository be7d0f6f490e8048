package io.chatrelay.turn;

import io.chatrelay.event.ChatException;
import io.chatrelay.upstream.Breaker;
import io.chatrelay.upstream.Upstream;

/** The permission of an upstream's breaker, while a turn is accepted. It is released unless the turn begins. */
final class HeldPermission implements AutoCloseable {

    private Breaker.Permission held;

    /** @return false if the breaker refuses the turn */
    boolean tryAcquire(Upstream upstream) {
        held = upstream.breaker().tryAcquire().orElse(null);
        return held != null;
    }

    /** @throws ChatException if the breaker refuses the turn */
    void acquire(Upstream upstream) {
        if (!tryAcquire(upstream)) {
            throw ChatException.breakerOpen(upstream.name(), upstream.breaker().retryAfter());
        }
    }

    Breaker.Permission held() {
        return held;
    }

    /** The turn runs, and releases the permission itself. */
    void handedOver() {
        held = null;
    }

    @Override
    public void close() {
        if (held != null) {
            held.release();
        }
    }
}
