package io.chatrelay.support.it;

import java.net.URI;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;

/**
 * What stands before several replicas: each connection goes to the next one that takes it. It knows nothing of HTTP and of readiness, so
 * whoever is there is asked, as a load balancer does until it finds out.
 */
public final class RoundRobin implements AutoCloseable {

    private final List<URI> replicas = new CopyOnWriteArrayList<>();
    private final AtomicInteger next = new AtomicInteger();
    private final NetClient client = RelayClient.VERTX.createNetClient();
    private final NetServer server = RelayClient.VERTX.createNetServer();

    public RoundRobin(RelayProcess... replicas) {
        server.connectHandler(this::accept).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
        for (RelayProcess replica : replicas) {
            add(replica);
        }
    }

    public void add(RelayProcess replica) {
        replicas.add(replica.api());
    }

    public URI api() {
        return URI.create("http://127.0.0.1:" + server.actualPort());
    }

    private void accept(NetSocket caller) {
        caller.pause();
        List<URI> known = List.copyOf(replicas);
        connect(caller, known, next.getAndIncrement(), known.size());
    }

    private void connect(NetSocket caller, List<URI> known, int index, int left) {
        if (left == 0) {
            caller.close();
            return;
        }
        URI replica = known.get(Math.floorMod(index, known.size()));
        client.connect(replica.getPort(), replica.getHost()).onSuccess(connection -> connect(caller, connection))
                .onFailure(_ -> connect(caller, known, index + 1, left - 1));
    }

    /** Whichever side ends, ends the other. */
    private static void connect(NetSocket caller, NetSocket replica) {
        caller.pipeTo(replica).onComplete(_ -> replica.close());
        replica.pipeTo(caller).onComplete(_ -> caller.close());
    }

    @Override
    public void close() {
        server.close();
    }
}
