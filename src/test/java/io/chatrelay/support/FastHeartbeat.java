package io.chatrelay.support;

import java.util.Map;

import io.quarkus.test.junit.QuarkusTestProfile;

/** A heart that beats so fast that every silence has some heartbeats; nothing else is in a hurry. */
public class FastHeartbeat implements QuarkusTestProfile {

    @Override
    public Map<String, String> getConfigOverrides() {
        return Map.of("chat-relay.api.heartbeat", "300ms", "chat-relay.api.head-after", "500ms");
    }
}
