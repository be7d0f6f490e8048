package io.chatrelay;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.chatrelay.devmode.EmulatorResource;
import io.quarkus.test.junit.QuarkusTestProfile;

/** A heart that beats so fast that every silence has some heartbeats; nothing else is in a hurry. */
public class FastHeartbeat implements QuarkusTestProfile {

    @Override
    public Map<String, String> getConfigOverrides() {
        Map<String, String> overrides = new HashMap<>(ImpatientTest.Impatient.upstreams());
        overrides.put("chat-relay.default-upstream", "agents");
        overrides.put("chat-relay.upstreams.agents.follow-timeout", "1s");
        overrides.put("chat-relay.api.heartbeat", "300ms");
        overrides.put("chat-relay.api.head-after", "500ms");
        return overrides;
    }

    @Override
    public List<TestResourceEntry> testResources() {
        return List.of(new TestResourceEntry(EmulatorResource.class));
    }
}
