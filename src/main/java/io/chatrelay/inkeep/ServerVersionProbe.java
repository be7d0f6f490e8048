package io.chatrelay.inkeep;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.smallrye.mutiny.Uni;

/**
 * Detects the server generation of an upstream with one call, and remembers it. A server until March 2026 has the route
 * {@code /api/tool-approvals}, and rejects an empty request there; on every later server the route is a plain-text 404. If the detection fails,
 * the next use repeats it.
 */
final class ServerVersionProbe {

    enum Generation {
        CURRENT,
        LEGACY,
        UNKNOWN
    }

    private static final Logger LOG = Logger.getLogger(ServerVersionProbe.class);

    private final boolean configured;
    private final Supplier<? extends Uni<? extends CallResult<?>>> probe;
    private volatile Generation known;
    private CompletableFuture<Generation> asking;

    /**
     * @param known the configured generation, or {@code UNKNOWN} to detect it
     * @param probe an empty request to the legacy route
     */
    ServerVersionProbe(Generation known, Supplier<? extends Uni<? extends CallResult<?>>> probe) {
        this.configured = known != Generation.UNKNOWN;
        this.known = known;
        this.probe = probe;
    }

    /** Concurrent callers share the one call; cancelling a caller does not cancel it. */
    Uni<Generation> find() {
        return Uni.createFrom().deferred(() -> {
            Generation now = known;
            return now != Generation.UNKNOWN ? Uni.createFrom().item(now)
                    : Uni.createFrom().emitter(emitter -> shared().thenAccept(emitter::complete));
        });
    }

    private CompletableFuture<Generation> shared() {
        CompletableFuture<Generation> found = new CompletableFuture<>();
        synchronized (this) {
            if (asking != null) {
                return asking;
            }
            asking = found;
        }
        Uni.createFrom().deferred(() -> probe.get()).map(ServerVersionProbe::of)
                .onFailure().invoke(e -> LOG.errorf("Which Inkeep it is could not be found out: %s", Trace.of(e)))
                .onFailure().recoverWithItem(Generation.UNKNOWN)
                .subscribe()
                .with(generation -> {
                    synchronized (this) {
                        known = known == Generation.UNKNOWN ? generation : known;
                        asking = null;
                    }
                    found.complete(known);
                });
        return found;
    }

    /** The generation that is known without a call. */
    Generation known() {
        return known;
    }

    /** The server proved to be a current one. */
    synchronized void isCurrent() {
        known = configured ? known : Generation.CURRENT;
    }

    /** The server is no longer of the detected generation. */
    synchronized void forget() {
        known = configured ? known : Generation.UNKNOWN;
    }

    private static Generation of(CallResult<?> reply) {
        if (!(reply instanceof CallResult.Rejected<?>(var status, var type, _))) {
            return Generation.UNKNOWN;
        }
        return switch (status) {
            case 404 -> type.startsWith("text/plain") ? Generation.CURRENT
                    : type.startsWith("application/json") ? Generation.LEGACY : Generation.UNKNOWN;
            case 400 -> Generation.LEGACY;
            case 401 -> type.startsWith("text/plain") ? Generation.LEGACY : Generation.UNKNOWN;
            default -> Generation.UNKNOWN;
        };
    }
}
