package io.chatrelay.benchmark;

import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.HdrHistogram.Histogram;

import io.chatrelay.support.it.RelayClient;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;

/**
 * Reads many paced streams at once and notes how old each delta is when it comes: its text ends with {@code @} and the
 * microsecond at which the emulator sent it. One event loop, and no JSON: what it costs is taken from the same machine.
 */
final class Readers implements AutoCloseable {

    private static final long LONGEST_MICROS = 60_000_000;

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(1));
    private final HttpClient http = vertx.createHttpClient(new HttpClientOptions().setMaxPoolSize(10_000)
            .setKeepAlive(false));
    private final URI chat;
    private final Histogram delays = new Histogram(LONGEST_MICROS, 3);
    private final Histogram firsts = new Histogram(LONGEST_MICROS, 3);
    private volatile boolean measuring;
    private volatile boolean following;
    private volatile long failed;

    /** @param chat where the messages are sent */
    Readers(URI chat) {
        this.chat = chat;
    }

    /** Opens the streams within about a second. The latch counts those that have not ended. */
    CountDownLatch open(int streams, String run, String text) {
        CountDownLatch open = new CountDownLatch(streams);
        for (int i = 0; i < streams; i++) {
            Answer answer = new Answer(run + "-" + i, text, open);
            vertx.setTimer(1 + 1000L * i / streams, _ -> answer.open());
        }
        return open;
    }

    /** The same, and each stream that ends is followed by another one, until {@link #finish}. */
    CountDownLatch keepOpen(int streams, String run, String text) {
        following = true;
        return open(streams, run, text);
    }

    /** No stream is followed by another one any more. */
    void finish() {
        following = false;
    }

    /** One stream after the other, each of a conversation of its own. One that is refused, is cut off or has no delta is a failed one, and the last. */
    private final class Answer {

        private final String conversation;
        private final String text;
        private final CountDownLatch open;
        private int number;
        private long sent;
        private boolean begun;

        Answer(String conversation, String text, CountDownLatch open) {
            this.conversation = conversation;
            this.text = text;
            this.open = open;
        }

        void open() {
            RequestOptions options = new RequestOptions().setMethod(HttpMethod.POST).setHost(chat.getHost())
                    .setPort(chat.getPort()).setURI(chat.getPath()).putHeader("authorization", "Bearer " + RelayClient.KEY)
                    .putHeader("content-type", "application/json");
            Buffer body = Buffer.buffer(RelayClient.body("agents", conversation + "-" + number++, text));
            sent = System.nanoTime();
            begun = false;
            http.request(options).compose(request -> request.send(body))
                    .onSuccess(response -> response.handler(this::note).endHandler(_ -> ended(response.statusCode()))
                            .exceptionHandler(_ -> fail()))
                    .onFailure(_ -> fail());
        }

        private void ended(int status) {
            if (status != HttpURLConnection.HTTP_OK || !begun) {
                fail();
            } else if (following) {
                open();
            } else {
                open.countDown();
            }
        }

        private void fail() {
            failed++;
            open.countDown();
        }

        /** A stamp that a chunk's end cuts off is not counted; there are few. */
        private void note(Buffer chunk) {
            if (begun && !measuring) {
                return;
            }
            long now = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
            int length = chunk.length();
            for (int i = 0; i < length; i++) {
                if (chunk.getByte(i) == '@') {
                    begin();
                    long at = 0;
                    byte digit = 0;
                    while (++i < length && (digit = chunk.getByte(i)) >= '0' && digit <= '9') {
                        at = at * 10 + digit - '0';
                    }
                    if (measuring && digit == '"') {
                        delays.recordValue(Math.clamp(now - at, 0, LONGEST_MICROS));
                    }
                }
            }
        }

        private void begin() {
            if (!begun && measuring) {
                firsts.recordValue(Math.min(LONGEST_MICROS, (System.nanoTime() - sent) / 1000));
            }
            begun = true;
        }
    }

    /** Notes delays for so long, and gives them. */
    Histogram measure(long seconds) throws InterruptedException {
        measuring = true;
        TimeUnit.SECONDS.sleep(seconds);
        measuring = false;
        // What the event loop is in the middle of.
        TimeUnit.MILLISECONDS.sleep(50);
        return delays.copy();
    }

    /** Microseconds from a request to the first delta of its answer, of the answers that began while delays were noted. */
    Histogram firsts() {
        return firsts.copy();
    }

    long failed() {
        return failed;
    }

    @Override
    public void close() {
        vertx.close();
    }
}
