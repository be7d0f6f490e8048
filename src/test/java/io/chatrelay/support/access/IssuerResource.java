package io.chatrelay.support.access;

import java.util.Map;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;

/** An issuer beside the service, for all tests of the running service: a key is good with an issuer, too. */
public final class IssuerResource implements QuarkusTestResourceLifecycleManager {

    @Override
    public Map<String, String> start() {
        return Map.of("quarkus.oidc.auth-server-url", TestIssuer.INSTANCE.start(),
                "quarkus.oidc.token.audience", TestIssuer.AUDIENCE,
                "chat-relay.access.oidc.end-user-claim", "act/sub",
                "quarkus.oidc.token.allow-opaque-token-introspection", "true",
                "quarkus.oidc.client-id", TestIssuer.AUDIENCE, "quarkus.oidc.credentials.secret",
                "the-secret-of-the-client-with-32-bytes",
                // A test changes the keys more than once.
                "quarkus.oidc.token.forced-jwk-refresh-interval", "0S");
    }

    @Override
    public void stop() {
        TestIssuer.INSTANCE.stop();
    }
}
