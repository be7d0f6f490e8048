package io.chatrelay.inkeep;

import java.net.URI;
import java.util.Map;
import java.util.function.Function;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.smallrye.mutiny.Multi;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.impl.VertxInternal;

/** The connections to one Inkeep. Each running turn holds one of them, and an event loop's attention when bytes come. */
final class InkeepClient {

    private final VertxInternal vertx;
    private final HttpClient http;
    private final UpstreamConfig config;

    InkeepClient(Vertx vertx, UpstreamConfig config) {
        this.vertx = (VertxInternal) vertx;
        this.config = config;
        this.http = vertx.createHttpClient(
                new HttpClientOptions().setConnectTimeout((int) config.connectTimeout().toMillis())
                        .setDecompressionSupported(false)
                        // Inkeep closes after 60 s; a connection taken from the pool at that moment would look like a refusal.
                        .setKeepAliveTimeout(30)
                        .setTcpNoDelay(true),
                // Its default is 5, and a waiting turn would look like a silent Inkeep.
                new PoolOptions().setHttp1MaxSize(config.maxConnections()));
    }

    /** Asks, and gives the answer's events; nothing is sent before it is subscribed to. */
    Multi<ChatEvent> post(String path, Buffer body, Map<String, String> headers,
            Function<HttpClientResponse, AnswerDecoder> decoder) {
        AnswerStream.Plan plan = new AnswerStream.Plan(request(path, headers), body, decoder,
                Math.toIntExact(config.maxFrame().asLongValue()), config.retries(), config.retryBackoff(),
                config.maxRetryAfter());
        return Multi.createFrom().publisher(subscriber -> subscriber
                .onSubscribe(new AnswerStream(http, vertx.createEventLoopContext(), plan, subscriber)));
    }

    private RequestOptions request(String path, Map<String, String> headers) {
        URI url = config.url();
        boolean tls = "https".equals(url.getScheme());
        String base = url.getRawPath() == null ? "" : url.getRawPath().replaceAll("/+$", "");
        MultiMap sent = MultiMap.caseInsensitiveMultiMap().addAll(headers).set("content-type", "application/json")
                .set("accept", "text/event-stream");
        config.apiKey().ifPresent(key -> sent.set("authorization", "Bearer " + key));
        return new RequestOptions().setMethod(HttpMethod.POST).setSsl(tls).setHost(url.getHost())
                .setPort(url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80).setURI(base + path).setHeaders(sent);
    }

    void close() {
        http.close();
    }
}
