package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;

import io.chatrelay.inkeep.UpstreamsConfig.ApprovalTransport;
import io.chatrelay.inkeep.UpstreamsConfig.ExecutionMode;
import io.chatrelay.inkeep.UpstreamsConfig.Kind;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.Upstreams;
import io.quarkus.proxy.ProxyConfigurationRegistry;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.tls.CertificateUpdatedEvent;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.vertx.core.Vertx;

/** The configured upstreams, each with its connections; where none is configured, the local stand-in, if there is one. */
@ApplicationScoped
class ConfiguredUpstreams implements Upstreams {

    private final List<Upstream> upstreams = new ArrayList<>();
    private final List<InkeepClient> clients = new ArrayList<>();
    private final List<RunApiCalls> calls = new ArrayList<>();
    /** The clients of each TLS configuration, by its name. */
    private final Map<String, List<InkeepClient>> certificates = new HashMap<>();
    private final Optional<Upstream> fallback;

    ConfiguredUpstreams(UpstreamsConfig config, Instance<LocalInkeep> local, Vertx vertx, TlsConfigurationRegistry tls,
            ProxyConfigurationRegistry proxies) {
        Map<String, UpstreamConfig> configured = new TreeMap<>(config.upstreams());
        boolean standIn = configured.isEmpty() && local.isResolvable();
        if (standIn) {
            configured.putAll(local.get().start());
        }
        if (configured.isEmpty()) {
            throw new ConfigurationException(
                    "No upstream is configured. Set chat-relay.upstreams.<name>.kind, .url and .api-key.");
        }
        configured.forEach((name, upstream) -> add(name, upstream, vertx,
                transport(name, upstream, tls, proxies)));
        String wanted = config.defaultUpstream().orElse(standIn ? configured.keySet().iterator().next() : null);
        fallback = wanted == null ? Optional.empty()
                : Optional.of(named(wanted).orElseThrow(() -> new ConfigurationException(
                        "chat-relay.default-upstream names '%s', which is not configured".formatted(wanted))));
    }

    /** A wrong configuration fails at startup, not later. */
    void check(@Observes StartupEvent event) {
        all();
    }

    /** Quarkus has read the new files. The REST clients take them by themselves. */
    void reload(@Observes CertificateUpdatedEvent event) {
        certificates.getOrDefault(event.name(), List.of())
                .forEach(client -> client.updateCertificates(event.tlsConfiguration().getSSLOptions()));
    }

    private static Transport transport(String name, UpstreamConfig config, TlsConfigurationRegistry tls,
            ProxyConfigurationRegistry proxies) {
        try {
            return Transport.of(config, tls, proxies);
        } catch (IllegalStateException e) {
            throw new ConfigurationException("chat-relay.upstreams.%s: %s".formatted(name, e.getMessage()));
        }
    }

    private void add(String name, UpstreamConfig config, Vertx vertx, Transport transport) {
        if (config.kind() == Kind.AGENTS) {
            checkApprovals(name, config.approvals(), config.executionMode());
            checkTimes(name, config);
        }
        InkeepClient client = new InkeepClient(vertx, config, transport);
        clients.add(client);
        config.tlsConfigurationName()
                .ifPresent(used -> certificates.computeIfAbsent(used, _ -> new ArrayList<>()).add(client));
        try {
            upstreams.add(switch (config.kind()) {
                case AGENTS -> new AgentsUpstream(name, config, client, calls(config, transport));
                case CLOUD -> new CloudUpstream(name, config, client);
            });
        } catch (IllegalArgumentException e) {
            throw new ConfigurationException("chat-relay.upstreams.%s.headers: %s".formatted(name, e.getMessage()));
        }
    }

    private RunApiCalls calls(UpstreamConfig config, Transport transport) {
        RunApiCalls made = RunApiCalls.of(config, transport);
        calls.add(made);
        return made;
    }

    private static void checkApprovals(String name, ApprovalTransport approvals, ExecutionMode mode) {
        ExecutionMode needed = switch (approvals) {
            case EXECUTIONS -> ExecutionMode.DURABLE;
            case LEGACY -> ExecutionMode.CLASSIC;
            case AUTO, PARTS -> mode;
        };
        if (mode != needed) {
            throw new ConfigurationException(
                    "chat-relay.upstreams.%1$s.approvals: '%2$s' needs chat-relay.upstreams.%1$s.execution-mode=%3$s"
                            .formatted(name, approvals.name().toLowerCase(Locale.ROOT),
                                    needed.name().toLowerCase(Locale.ROOT)));
        }
    }

    private static void checkTimes(String name, UpstreamConfig config) {
        Duration window = AgentsUpstream.window(config.executionMode());
        config.approvalWindow().filter(given -> given.compareTo(Duration.ofSeconds(1)) < 0 || given.compareTo(window) > 0)
                .ifPresent(_ -> {
                    throw new ConfigurationException(
                            "chat-relay.upstreams.%s.approval-window: from 1 s to %s, after which Inkeep does harm with a decision"
                                    .formatted(name, window));
                });
        if (config.streamLifetime().isNegative()) {
            throw new ConfigurationException("chat-relay.upstreams.%s.stream-lifetime: 0 or more".formatted(name));
        }
        if (config.approvalTimeout().compareTo(Duration.ofMillis(100)) < 0) {
            throw new ConfigurationException("chat-relay.upstreams.%s.approval-timeout: 100 ms or more".formatted(name));
        }
    }

    @PreDestroy
    void close() {
        clients.forEach(InkeepClient::close);
        calls.forEach(RunApiCalls::close);
    }

    @Override
    public List<Upstream> all() {
        return List.copyOf(upstreams);
    }

    @Override
    public Optional<Upstream> fallback() {
        return fallback;
    }
}
