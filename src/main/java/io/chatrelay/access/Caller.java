package io.chatrelay.access;

import java.security.Principal;
import java.util.Set;

/**
 * An authenticated caller.
 *
 * @param name   the configured name; idempotency keys belong to it
 * @param tenant the tenant whose data it sees
 * @param roles  what it may do
 * @param leavingStops    whether its turns are cancelled when it disconnects, if its request does not state it
 * @param replacesRunning whether its message cancels the running turn, if its request does not state it
 */
public record Caller(String name, String tenant, Set<Role> roles, boolean leavingStops, boolean replacesRunning)
        implements
            Principal {

    @Override
    public String getName() {
        return name;
    }

    public boolean may(Role role) {
        return roles.contains(role);
    }
}
