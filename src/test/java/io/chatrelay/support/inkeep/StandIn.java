package io.chatrelay.support.inkeep;

import java.util.concurrent.TimeUnit;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;

/** A server in Inkeep's place. It is started again with each service. */
abstract sealed class StandIn permits RecordedInkeep, CaseInkeep {

    private Vertx vertx;
    private HttpServer server;

    /** Returns its port. */
    int start() {
        vertx = Vertx.vertx();
        server = vertx.createHttpServer().requestHandler(request -> request.body().onSuccess(body -> answer(request, body)))
                .listen(0, "localhost").toCompletionStage().toCompletableFuture().orTimeout(10, TimeUnit.SECONDS).join();
        return server.actualPort();
    }

    /** Answers a request that came whole, on the event loop. */
    abstract void answer(HttpServerRequest request, Buffer body);

    final void stop() {
        server.close();
        vertx.close();
    }
}
