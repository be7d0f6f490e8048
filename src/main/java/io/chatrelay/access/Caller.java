package io.chatrelay.access;

import java.security.Principal;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.runtime.QuarkusSecurityIdentity;

/**
 * An authenticated caller.
 *
 * @param source what authenticated it
 * @param name   the configured name, or the name in its token; idempotency keys belong to it
 * @param tenant the tenant whose data it sees
 * @param endUser the only end user whose data it sees, or null if it sees all of the tenant's
 * @param roles  what it may do
 * @param namesEndUsers  whether its request may name an end user, if its token names none
 * @param leavingStops    whether its turns are cancelled when it disconnects, if its request does not state it
 * @param onRunning       what happens to its message while a turn runs, if its request does not state it
 */
public record Caller(Source source, String name, String tenant, @Nullable String endUser, Set<Role> roles,
        boolean namesEndUsers, boolean leavingStops, AccessConfig.OnRunning onRunning) implements Principal {

    /** What authenticated a caller. */
    public enum Source {
        /** A configured key. */
        KEY,
        /** A token of the company's issuer. */
        ISSUER
    }

    @Override
    public String getName() {
        return name;
    }

    public boolean may(Role role) {
        return roles.contains(role);
    }

    /** It contains no credential, so nothing that refers to it can reveal one. */
    SecurityIdentity identity() {
        QuarkusSecurityIdentity.Builder identity = QuarkusSecurityIdentity.builder().setPrincipal(this);
        roles.forEach(role -> identity.addRole(role.wireName()));
        return identity.build();
    }
}
