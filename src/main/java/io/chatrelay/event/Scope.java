package io.chatrelay.event;

import org.jspecify.annotations.Nullable;

/**
 * The data that a request may see: all of its tenant's, or only that of one of the tenant's end users. What is outside of it does not exist for the
 * request.
 *
 * @param endUser the only end user whose conversations are visible, or null if all of the tenant are
 */
public record Scope(String tenant, @Nullable String endUser) {

    /** All data of a tenant. */
    public static Scope of(String tenant) {
        return new Scope(tenant, null);
    }

    /** Whether a conversation is visible. */
    public boolean covers(String tenantOfIt, @Nullable String endUserOfIt) {
        return tenant.equals(tenantOfIt) && (endUser == null || endUser.equals(endUserOfIt));
    }
}
