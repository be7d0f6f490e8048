package io.chatrelay.inkeep;

import java.util.Optional;

import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.quarkus.proxy.ProxyConfiguration;
import io.quarkus.proxy.ProxyConfigurationRegistry;
import io.quarkus.tls.TlsConfiguration;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.quarkus.tls.runtime.config.TlsConfigUtils;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.tracing.TracingPolicy;

/**
 * How connections to one upstream are made. Both of its HTTP clients, for streams and for short calls, are configured by this class, so that they
 * never differ in their TLS, their proxy, or whom they trust.
 *
 * @param tls   of Quarkus' TLS registry; the JVM's trusted certificates if it is empty
 * @param proxy of Quarkus' proxy registry
 */
record Transport(Optional<TlsConfiguration> tls, Optional<ProxyConfiguration> proxy) {

    static final Transport DIRECT = new Transport(Optional.empty(), Optional.empty());

    /** Inkeep closes after 60 s; a connection taken from the pool at that moment would look like a refusal. */
    private static final int KEEP_ALIVE_SECONDS = 30;

    /** @throws IllegalStateException if a name is not that of a configuration */
    static Transport of(UpstreamConfig config, TlsConfigurationRegistry tls, ProxyConfigurationRegistry proxies) {
        return new Transport(TlsConfiguration.from(tls, config.tlsConfigurationName()),
                proxies.get(config.proxyConfigurationName())
                        .filter(proxy -> !ProxyConfigurationRegistry.NONE.equals(proxy.host())));
    }

    /** Sets everything that is the same for streams and short calls; what a framework has preset for it is replaced. */
    void configure(HttpClientOptions options, UpstreamConfig config) {
        options.setConnectTimeout((int) config.connectTimeout().toMillis()).setDecompressionSupported(false)
                // The headers of a turn's trace are ours, see TraceHeaders. With tracing on, Vert.x would make a span of each request beside them.
                .setTracingPolicy(TracingPolicy.IGNORE)
                .setKeepAliveTimeout(KEEP_ALIVE_SECONDS).setTcpNoDelay(true).setTrustAll(false).setVerifyHost(true);
        tls.ifPresent(configuration -> TlsConfigUtils.configure(options, configuration));
        options.setProxyOptions(proxy.map(Transport::options).orElse(null));
        proxy.flatMap(ProxyConfiguration::nonProxyHosts).ifPresent(options::setNonProxyHosts);
    }

    private static ProxyOptions options(ProxyConfiguration proxy) {
        ProxyOptions options = new ProxyOptions().setHost(proxy.host()).setPort(proxy.port()).setType(switch (proxy.type()) {
            case HTTP -> ProxyType.HTTP;
            case SOCKS4 -> ProxyType.SOCKS4;
            case SOCKS5 -> ProxyType.SOCKS5;
        });
        proxy.username().ifPresent(options::setUsername);
        proxy.password().ifPresent(options::setPassword);
        proxy.proxyConnectTimeout().ifPresent(options::setConnectTimeout);
        return options;
    }
}
