package io.chatrelay.support.inkeep;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;

/**
 * The servers that the tests of the running service ask, and its upstreams: the emulator under the names that it has in dev mode, current
 * servers in classic and durable mode, one whose decisions are soon too late, an old release,
 * one that tells a run for a second, two whose breakers open soon, one that not everyone may decide for, and the cases. All tests have all of them, for
 * each other configuration is another start of the service.
 */
public final class TestUpstreams implements QuarkusTestResourceLifecycleManager {

    /** How long an approval of the upstream {@code late} can be decided. */
    public static final Duration LATE_WINDOW = Duration.ofSeconds(6);

    /** Whose breaker opens after four turns, and lets one try after {@link #OPEN}. */
    public static final String FRAGILE = "fragile";
    public static final Duration OPEN = Duration.ofSeconds(10);

    /** The same for turns that wait a second for their first event. */
    public static final String SLUGGISH = "sluggish";

    /** Whose approvals are decided by another person than the one who asked, and those of {@code delete_file} by that one alone. */
    public static final String GUARDED = "guarded";

    private final EmulatorResource emulator = new EmulatorResource();

    @Override
    public Map<String, String> start() {
        Map<String, String> config = new HashMap<>(emulator.start());
        String emulated = config.get(EmulatorResource.ADDRESS);
        String recorded = "http://localhost:" + RecordedInkeep.INSTANCE.start();
        String cases = "http://localhost:" + CaseInkeep.INSTANCE.start();
        config.put("chat-relay.default-upstream", "agents");
        for (String name : List.of("agents", "agents-durable", "short-lived")) {
            upstream(config, name, "agents", emulated + "/run");
        }
        upstream(config, "agents-legacy", "agents", emulated + "/legacy");
        upstream(config, FRAGILE, "agents", emulated + "/run");
        upstream(config, SLUGGISH, "agents", emulated + "/run");
        upstream(config, GUARDED, "agents", emulated + "/run");
        upstream(config, "cloud", "cloud", emulated + "/v1");
        for (String name : List.of("recorded", "late", "durable")) {
            upstream(config, name, "agents", recorded + "/run");
        }
        upstream(config, "legacy", "agents", recorded);
        upstream(config, "case-agents", "agents", cases + "/run");
        upstream(config, "case-cloud", "cloud", cases + "/v1");
        config.put("chat-relay.upstreams.agents-durable.execution-mode", "durable");
        config.put("chat-relay.upstreams.durable.execution-mode", "durable");
        config.put("chat-relay.upstreams.short-lived.stream-lifetime", "1s");
        config.put("chat-relay.upstreams.late.approval-window", LATE_WINDOW.toString());
        config.put("chat-relay.upstreams." + FRAGILE + ".breaker.minimum-turns", "4");
        config.put("chat-relay.upstreams." + FRAGILE + ".breaker.window", "15m");
        config.put("chat-relay.upstreams." + FRAGILE + ".breaker.open-duration", OPEN.toString());
        config.put("chat-relay.upstreams." + FRAGILE + ".breaker.trial-turns", "1");
        config.put("chat-relay.upstreams." + SLUGGISH + ".breaker.minimum-turns", "4");
        config.put("chat-relay.upstreams." + SLUGGISH + ".breaker.slow-duration", "1s");
        config.put("chat-relay.upstreams." + SLUGGISH + ".breaker.open-duration", OPEN.toString());
        config.put("chat-relay.upstreams." + GUARDED + ".deciders", "other");
        config.put("chat-relay.upstreams." + GUARDED + ".tools.delete_file.deciders", "requester");
        // Each gives again at once what there is; nobody waits 8 s for each answer that a test breaks off.
        for (String name : List.of("agents", "agents-durable", "agents-legacy", "short-lived", GUARDED)) {
            config.put("chat-relay.upstreams." + name + ".follow-timeout", "1s");
        }
        // Or they would be the other's, too.
        config.put("chat-relay.upstreams.case-cloud.models", "a-model-of-the-cases");
        config.put("chat-relay.upstreams.case-agents.follow-timeout", "200ms");
        return config;
    }

    private static void upstream(Map<String, String> config, String name, String kind, String url) {
        String prefix = "chat-relay.upstreams." + name;
        config.put(prefix + ".kind", kind);
        config.put(prefix + ".url", url);
        config.put(prefix + ".api-key", "emulator-key");
        // Tests send turns that fail, all at once, to upstreams that other tests ask as well.
        config.put(prefix + ".breaker.minimum-turns", "10000");
    }

    @Override
    public void stop() {
        emulator.stop();
        RecordedInkeep.INSTANCE.stop();
        CaseInkeep.INSTANCE.stop();
    }
}
