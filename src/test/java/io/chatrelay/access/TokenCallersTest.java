package io.chatrelay.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.chatrelay.access.AccessConfig.EndUsers;
import io.chatrelay.access.AccessConfig.OnDisconnect;
import io.chatrelay.access.AccessConfig.OnRunning;
import io.vertx.core.json.JsonObject;

class TokenCallersTest {

    private record Oidc(String tenantClaim, List<String> callerClaims, Optional<String> endUserClaim, String rolesClaim,
            EndUsers endUsers, OnDisconnect onDisconnect, OnRunning onRunning) implements AccessConfig.Oidc {}

    private record Access(Map<String, AccessConfig.Key> keys, AccessConfig.Oidc oidc,
            AccessConfig.StreamTokens streamTokens) implements AccessConfig {}

    @ParameterizedTest
    @EnumSource(EndUsers.class)
    void mayNameEndUsersAsIsConfiguredForAllOfThem(EndUsers configured) {
        Oidc oidc = new Oidc("tenant", List.of("client_id"), Optional.of("sub"), "roles", configured, OnDisconnect.DETACH,
                OnRunning.REFUSE);
        TokenCallers callers = new TokenCallers(new Access(Map.of(), oidc, null), Optional.of("http://issuer"), true);

        Caller caller = callers.of(JsonObject.of("tenant", "one", "client_id", "shop"));

        assertThat(caller.namesEndUsers()).isEqualTo(configured == EndUsers.ANY);
    }
}
