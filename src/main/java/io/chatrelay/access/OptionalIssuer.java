package io.chatrelay.access;

import jakarta.enterprise.context.ApplicationScoped;

import io.quarkus.oidc.OidcRequestContext;
import io.quarkus.oidc.OidcTenantConfig;
import io.quarkus.oidc.TenantConfigResolver;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;

/**
 * Makes the issuer optional. Without {@code quarkus.oidc.auth-server-url} quarkus-oidc refuses to start, unless a resolver exists that may know
 * another issuer: then it is off. This one knows none, so the configured issuer is the only one.
 */
@ApplicationScoped
class OptionalIssuer implements TenantConfigResolver {

    @Override
    public Uni<OidcTenantConfig> resolve(RoutingContext context, OidcRequestContext<OidcTenantConfig> request) {
        return Uni.createFrom().nullItem();
    }
}
