package io.chatrelay.it;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

import io.chatrelay.support.it.RelayClient;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetSocket;

/** A proxy as companies have one before the internet: for {@code http} it is asked, for {@code https} it gives a tunnel, and both need a password. */
final class ForwardProxy implements AutoCloseable {

    static final String USER = "relay";
    static final String PASSWORD = "of-the-proxy";

    private static final String LOGIN = "Basic "
            + Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.US_ASCII));

    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final HttpClient forward = RelayClient.VERTX.createHttpClient();
    private final NetClient tunnel = RelayClient.VERTX.createNetClient();
    private final HttpServer server;

    ForwardProxy() throws Exception {
        server = RelayClient.VERTX.createHttpServer().requestHandler(request -> {
            asked.add(request.method() + " " + request.uri());
            if (!LOGIN.equals(request.getHeader("proxy-authorization"))) {
                request.response().setStatusCode(407).end();
            } else if (request.method() == HttpMethod.CONNECT) {
                tunnel(request);
            } else {
                forward(request);
            }
        }).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private void tunnel(HttpServerRequest request) {
        request.pause();
        String[] target = request.uri().split(":");
        tunnel.connect(Integer.parseInt(target[1]), target[0]).onFailure(_ -> request.response().setStatusCode(502).end())
                .onSuccess(there -> {
                    there.pause();
                    request.toNetSocket().onSuccess(here -> join(here, there));
                });
    }

    private static void join(NetSocket one, NetSocket other) {
        one.pipeTo(other);
        other.pipeTo(one);
    }

    private void forward(HttpServerRequest request) {
        HttpServerResponse response = request.response();
        request.body().onSuccess(body -> forward.request(new RequestOptions().setMethod(request.method())
                .setAbsoluteURI(request.absoluteURI()).setHeaders(request.headers().remove("proxy-authorization")))
                .compose(asking -> {
                    response.closeHandler(_ -> asking.reset());
                    return asking.send(body);
                }).onSuccess(answer -> {
                    response.setStatusCode(answer.statusCode()).headers().setAll(answer.headers());
                    answer.pipeTo(response);
                }).onFailure(_ -> response.setStatusCode(502).end()));
    }

    int port() {
        return server.actualPort();
    }

    /** What it was asked for, in order: {@code POST http://…} or {@code CONNECT host:port}. */
    List<String> asked() {
        return asked;
    }

    @Override
    public void close() {
        server.close();
        forward.close();
        tunnel.close();
    }
}
