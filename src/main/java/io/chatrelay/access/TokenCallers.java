package io.chatrelay.access;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** Finds the caller in the claims of a token that is valid. */
@ApplicationScoped
class TokenCallers {

    private static final int LONGEST = 256;

    private final AccessConfig.Oidc config;
    private final boolean enabled;

    TokenCallers(AccessConfig config, @ConfigProperty(name = "quarkus.oidc.auth-server-url") Optional<String> issuer,
            @ConfigProperty(name = "quarkus.oidc.tenant-enabled", defaultValue = "true") boolean enabled) {
        this.config = config.oidc();
        this.enabled = enabled && issuer.isPresent();
    }

    /** Whether the service has an issuer. */
    boolean isEnabled() {
        return enabled;
    }

    /**
     * The caller that the claims name.
     *
     * @throws Unauthorized if they do not name a tenant and a caller
     */
    Caller of(JsonObject claims) {
        String tenant = name(claims, config.tenantClaim()).orElseThrow(() -> Unauthorized.claimMissing("tenant",
                config.tenantClaim(), "chat-relay.access.oidc.tenant-claim"));
        String name = config.callerClaims().stream().flatMap(claim -> name(claims, claim).stream()).findFirst()
                .orElseThrow(() -> Unauthorized.claimMissing("caller", String.join("' or '", config.callerClaims()),
                        "chat-relay.access.oidc.caller-claims"));
        return caller(name, tenant, endUser(claims), roles(claims));
    }

    /** The creator of a stream token, with the role that it had to have; empty if the service has no issuer. */
    Optional<Caller> creator(String name, String tenant) {
        return enabled ? Optional.of(caller(name, tenant, null, Set.of(Role.CHAT))) : Optional.empty();
    }

    /** A value that is no name must not make the token one that sees everything. */
    private String endUser(JsonObject claims) {
        Optional<String> claim = config.endUserClaim().filter(named -> value(claims, named) != null);
        return claim.map(named -> name(claims, named).orElseThrow(() -> Unauthorized.claimMissing("end user", named,
                "chat-relay.access.oidc.end-user-claim"))).orElse(null);
    }

    private Caller caller(String name, String tenant, String endUser, Set<Role> roles) {
        return new Caller(Caller.Source.ISSUER, name, tenant, endUser, roles,
                config.endUsers() == AccessConfig.EndUsers.ANY,
                config.onDisconnect() == AccessConfig.OnDisconnect.CANCEL,
                config.onRunning());
    }

    /** A text that can be a name: it is stored, and logged. */
    private static Optional<String> name(JsonObject claims, String claim) {
        return Optional.ofNullable(value(claims, claim)).filter(String.class::isInstance).map(Object::toString)
                .filter(name -> !name.isBlank() && name.length() <= LONGEST && name.codePoints().noneMatch(
                        c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE));
    }

    private Set<Role> roles(JsonObject claims) {
        Set<Role> roles = EnumSet.noneOf(Role.class);
        listed(value(claims, config.rolesClaim())).forEach(name -> Arrays.stream(Role.values())
                .filter(role -> role.wireName().equals(name)).forEach(roles::add));
        return Set.copyOf(roles);
    }

    private static Stream<?> listed(Object value) {
        return switch (value) {
            case JsonArray array -> array.stream();
            case String text -> Arrays.stream(text.split(" "));
            case null, default -> Stream.empty();
        };
    }

    /** The claim of that name, whose name may be a URL; else what the path leads to. */
    private static Object value(JsonObject claims, String claim) {
        if (claims.containsKey(claim)) {
            return claims.getValue(claim);
        }
        Object value = claims;
        for (String name : claim.split("/")) {
            value = value instanceof JsonObject object ? object.getValue(name) : null;
        }
        return Objects.equals(value, claims) ? null : value;
    }
}
