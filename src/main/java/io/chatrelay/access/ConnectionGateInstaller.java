package io.chatrelay.access;

import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.ObservesAsync;

import org.jboss.logging.Logger;

import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.netty.channel.ServerChannel;
import io.netty.channel.SingleThreadEventLoop;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.vertx.http.HttpServer;
import io.quarkus.vertx.http.HttpServerStart;
import io.quarkus.vertx.http.HttpsServerStart;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;

/**
 * Installs the {@linkplain ConnectionGate gate} at the server's socket, and notifies each connection of its requests. Quarkus and Vert.x have
 * no hook for it: they call their connection handlers after the first bytes have arrived, so never for a silent connection.
 */
@ApplicationScoped
class ConnectionGateInstaller {

    private static final Logger LOG = Logger.getLogger(ConnectionGateInstaller.class);
    /** Before every other handler of a request. */
    private static final int FIRST = 2000;

    private final VertxInternal vertx;
    private final ConnectionsConfig config;
    private final ConnectionMetrics metrics;
    private final HttpServer server;
    private final Map<Channel, ConnectionGate> guarded = new ConcurrentHashMap<>();

    ConnectionGateInstaller(Vertx vertx, HttpServer server, ConnectionsConfig config, MeterRegistry registry) {
        this.server = server;
        this.vertx = (VertxInternal) vertx;
        this.config = config;
        this.metrics = new ConnectionMetrics(registry);
    }

    void listens(@ObservesAsync HttpServerStart start) {
        guard(server.getPort());
    }

    void listens(@ObservesAsync HttpsServerStart start) {
        guard(server.getSecurePort());
    }

    private void guard(int port) {
        vertx.getAcceptorEventLoopGroup().forEach(loop -> loop.execute(() -> ((SingleThreadEventLoop) loop)
                .registeredChannelsIterator().forEachRemaining(channel -> guard(channel, port))));
    }

    private void guard(Channel channel, int port) {
        if (channel instanceof ServerChannel && channel.localAddress() instanceof InetSocketAddress local
                && local.getPort() == port && channel.pipeline().get(ConnectionGate.class) == null) {
            ConnectionGate gate = new ConnectionGate(config, metrics);
            metrics.watch(gate, ConnectionGate::open, ConnectionGate::waiting);
            channel.pipeline().addFirst(gate);
            guarded.put(channel, gate);
            LOG.debugf("the connections of port %d are counted", port);
        }
    }

    /** In dev mode the socket outlives a reload of the classes. */
    void stop(@Observes ShutdownEvent event) {
        guarded.forEach((channel, gate) -> channel.eventLoop().execute(() -> {
            if (channel.pipeline().context(gate) != null) {
                channel.pipeline().remove(gate);
            }
        }));
        guarded.clear();
    }

    void register(@Observes Filters filters) {
        filters.register(this::request, FIRST);
    }

    private void request(RoutingContext context) {
        GuardedConnection connection = of(context.request());
        if (connection != null) {
            connection.begun(context.request().version() == HttpVersion.HTTP_2);
            context.addHeadersEndHandler(_ -> closeBeforeRestOfBody(context, connection));
            context.addEndHandler(
                    _ -> connection.ended("close".equalsIgnoreCase(context.response().headers().get(HttpHeaders.CONNECTION))));
        }
        if (context.request().headers().getAll(HttpHeaders.HOST).size() > 1) {
            // A proxy in front may have used the other header. Source: RFC 9112, 3.2.
            context.response().setStatusCode(400).putHeader(HttpHeaders.CONNECTION, "close")
                    .putHeader(HttpHeaders.CONTENT_TYPE, "application/problem+json").end(EarlyErrorResponse.body(400));
        } else {
            context.next();
        }
    }

    /**
     * The rest of a body would be parsed as the next request, so the connection closes after the answer. The answer states this, because
     * otherwise a client would send its next request on a closing connection.
     */
    private static void closeBeforeRestOfBody(RoutingContext context, GuardedConnection connection) {
        HttpServerRequest request = context.request();
        boolean hasBody = request.getHeader(HttpHeaders.CONTENT_LENGTH) != null
                || request.getHeader(HttpHeaders.TRANSFER_ENCODING) != null;
        if (hasBody && !connection.bodyIsWhole()) {
            context.response().putHeader(HttpHeaders.CONNECTION, "close");
        }
    }

    /** A caller has authenticated with its key. */
    static void known(RoutingContext context) {
        GuardedConnection connection = of(context.request());
        if (connection != null) {
            connection.known();
        }
    }

    /** Null if the gate was installed after the connection was accepted. */
    private static GuardedConnection of(HttpServerRequest request) {
        return ((ConnectionBase) request.connection()).channel().attr(GuardedConnection.KEY)
                .get() instanceof GuardedConnection guard ? guard : null;
    }
}
