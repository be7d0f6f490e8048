package io.chatrelay.benchmark;

import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.chatrelay.support.it.RelayClient;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.parsetools.RecordParser;

/**
 * Callers that begin turns at a steady rate, each in a conversation of its own, and read them over connections that they drop at random. Most come back
 * with the last id that they saw, at once or a little later; some never do. Each id that comes is compared with the one before.
 */
final class SoakCallers implements AutoCloseable {

    /** How long a connection is kept on average, in milliseconds. */
    private static final double KEPT_MILLIS = 20_000;
    private static final int LONGEST_ABSENCE_MILLIS = 3000;
    /** Of a hundred that drop their connection. */
    private static final int NEVER_BACK = 10;
    /** The AI SDK's last event of an answer that is complete. */
    private static final String FINISH = "data: {\"type\":\"finish\"";
    private static final Pattern ID = Pattern.compile("id: ?(\\d+\\.(\\d+))");

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(1));
    private final HttpClient http = vertx.createHttpClient(new HttpClientOptions().setMaxPoolSize(10_000)
            .setKeepAlive(false));
    private final URI api;
    private final String text;
    private final LongAdder begun = new LongAdder();
    private final LongAdder whole = new LongAdder();
    private final LongAdder left = new LongAdder();
    private final LongAdder drops = new LongAdder();
    private final LongAdder events = new LongAdder();
    private final LongAdder lost = new LongAdder();
    private final LongAdder doubled = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private long timer;

    /** @param text what each caller asks */
    SoakCallers(URI api, String text) {
        this.api = api;
        this.text = text;
    }

    /**
     * What the callers have seen.
     *
     * @param whole   turns that were read to their end
     * @param left    turns whose reader did not come back
     * @param failed  answers that were refused, or that ended early though the caller had not dropped them
     */
    record Seen(long begun, long whole, long left, long drops, long events, long lost, long doubled, long failed) {}

    Seen seen() {
        return new Seen(begun.sum(), whole.sum(), left.sum(), drops.sum(), events.sum(), lost.sum(), doubled.sum(),
                failed.sum());
    }

    /** Begins so many turns a second until {@link #finish}. */
    void begin(int turnsASecond) {
        timer = vertx.setPeriodic(TimeUnit.SECONDS.toMillis(1) / turnsASecond, _ -> {
            begun.increment();
            new Caller("soak-" + begun.sum()).ask();
        });
    }

    /** No more turns begin; those that run are read on. */
    void finish() {
        vertx.cancelTimer(timer);
    }

    @Override
    public void close() {
        vertx.close();
    }

    /** Reads one turn. */
    private final class Caller {

        private final String conversation;
        private long last;
        private @Nullable String lastId;
        /** Of the event whose end has not come yet: one that is cut off is not seen. */
        private @Nullable String comingId;
        private long coming;
        private boolean finished;
        private boolean dropped;

        Caller(String conversation) {
            this.conversation = conversation;
        }

        void ask() {
            Buffer body = Buffer.buffer(RelayClient.body("agents", conversation, text));
            read(http.request(to(HttpMethod.POST, "/run/api/chat").putHeader("content-type", "application/json")), body);
        }

        private void comeBack() {
            read(http.request(to(HttpMethod.GET, "/run/v1/conversations/" + conversation + "/stream")), Buffer.buffer());
        }

        private RequestOptions to(HttpMethod method, String path) {
            RequestOptions options = new RequestOptions().setMethod(method).setHost(api.getHost()).setPort(api.getPort())
                    .setURI(path).putHeader("authorization", "Bearer " + RelayClient.KEY);
            return lastId == null ? options : options.putHeader("last-event-id", lastId);
        }

        private void read(Future<HttpClientRequest> connected, Buffer body) {
            dropped = false;
            comingId = null;
            connected.compose(request -> request.send(body).compose(response -> {
                if (response.statusCode() != HttpURLConnection.HTTP_OK) {
                    return Future.failedFuture("status " + response.statusCode());
                }
                // An answer that has begun: before that, nobody knows whether there is a turn.
                long drop = vertx.setTimer(1 + (long) (-Math.log(1 - random().nextDouble()) * KEPT_MILLIS), _ -> {
                    dropped = true;
                    request.connection().close();
                });
                response.handler(RecordParser.newDelimited("\n", line -> note(line.toString(StandardCharsets.UTF_8))));
                return response.end().onComplete(_ -> vertx.cancelTimer(drop));
            })).onSuccess(_ -> ended("the end of a stream")).onFailure(reason -> ended(reason.getMessage()));
        }

        private void note(String line) {
            Matcher id = ID.matcher(line);
            if (line.startsWith(FINISH)) {
                finished = true;
            } else if (id.matches()) {
                comingId = id.group(1);
                coming = Long.parseLong(id.group(2));
            } else if (line.isEmpty() && comingId != null) {
                events.increment();
                lost.add(Math.max(0, coming - last - 1));
                doubled.add(coming <= last ? 1 : 0);
                last = Math.max(last, coming);
                lastId = comingId;
                comingId = null;
            }
        }

        private void ended(String reason) {
            if (finished) {
                whole.increment();
            } else if (!dropped) {
                failed.increment();
                System.err.printf("%s after event %s: %s%n", conversation, lastId, reason);
            } else {
                drops.increment();
                if (random().nextInt(100) < NEVER_BACK) {
                    left.increment();
                } else {
                    vertx.setTimer(1 + random().nextInt(LONGEST_ABSENCE_MILLIS), _ -> comeBack());
                }
            }
        }
    }

    private static ThreadLocalRandom random() {
        return ThreadLocalRandom.current();
    }
}
