package io.chatrelay.access;

import java.security.Principal;

/**
 * An authenticated caller.
 *
 * @param name   the configured name; idempotency keys belong to it
 * @param tenant the tenant whose data it sees
 * @param leavingStops    whether its turns are cancelled when it disconnects, if its request does not state it
 * @param replacesRunning whether its message cancels the running turn, if its request does not state it
 */
public record Caller(String name, String tenant, boolean leavingStops, boolean replacesRunning) implements Principal {

    @Override
    public String getName() {
        return name;
    }
}
