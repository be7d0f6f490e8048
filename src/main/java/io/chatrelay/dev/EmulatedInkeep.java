package io.chatrelay.dev;

import java.net.URI;
import java.util.Map;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import io.chatrelay.inkeep.LocalInkeep;
import io.chatrelay.inkeep.UpstreamsConfig;
import io.chatrelay.inkeep.UpstreamsConfig.Kind;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.quarkus.arc.lookup.LookupIfProperty;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;

/** The emulator as the upstreams of a service that has none configured: {@code agents} and {@code cloud}, and {@code agents} in
 * durable mode and as an old release. */
@ApplicationScoped
@LookupIfProperty(name = "chatrelay-dev.emulator.enabled", stringValue = "true")
class EmulatedInkeep implements LocalInkeep {

    /** Of its own: it is another server, and shares neither event loops nor metrics with the service. */
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1));
    private final int port;
    private final String followTimeout;
    private InkeepEmulator emulator;

    EmulatedInkeep(@ConfigProperty(name = "chatrelay-dev.emulator.port", defaultValue = "0") int port,
            @ConfigProperty(name = "chatrelay-dev.emulator.follow-timeout", defaultValue = "8s") String followTimeout) {
        this.port = port;
        this.followTimeout = followTimeout;
    }

    @Override
    public Map<String, UpstreamConfig> start() {
        emulator = new InkeepEmulator(vertx).listen(port);
        return Map.of("agents", upstream(Kind.AGENTS, emulator.agentsUrl(), "agents", "classic"),
                "agents-durable", upstream(Kind.AGENTS, emulator.agentsUrl(), "agents-durable", "durable"),
                "agents-legacy", upstream(Kind.AGENTS, emulator.legacyUrl(), "agents-legacy", "classic"),
                "cloud", upstream(Kind.CLOUD, emulator.cloudUrl(), "cloud", "classic"));
    }

    /** Where its {@code /emulator/} control is, for tests that ask what was really sent. */
    URI control() {
        return URI.create("http://localhost:" + emulator.port());
    }

    /** With every other default that a configured upstream has. */
    private UpstreamConfig upstream(Kind kind, URI url, String name, String mode) {
        return new SmallRyeConfigBuilder().addDiscoveredConverters().withMapping(UpstreamsConfig.class)
                .withDefaultValue("chat-relay.upstreams." + name + ".kind", kind.name())
                .withDefaultValue("chat-relay.upstreams." + name + ".url", url.toString())
                .withDefaultValue("chat-relay.upstreams." + name + ".execution-mode", mode)
                .withDefaultValue("chat-relay.upstreams." + name + ".follow-timeout", followTimeout)
                .withDefaultValue("chat-relay.upstreams." + name + ".api-key", "emulator-key").build()
                .getConfigMapping(UpstreamsConfig.class).upstreams().get(name);
    }

    @PreDestroy
    void stop() {
        if (emulator != null) {
            emulator.close();
        }
        vertx.close();
    }
}
