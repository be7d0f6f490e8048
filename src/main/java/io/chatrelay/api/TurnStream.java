package io.chatrelay.api;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

import jakarta.ws.rs.container.AsyncResponse;

import org.jboss.logging.Logger;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.approval.ApprovalView;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.JournalEntry;
import io.chatrelay.limit.CallerLimits;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;

/**
 * Writes a turn's committed events into one caller's response.
 *
 * <pre>
 * silent ── first event, or headAfter ──▶ streaming ── last event ──▶ ended
 *  │ └────── a reader that resumes ─────────▲ ├── the socket is full ──▶ waits, and requests no events
 *  └── failed before the first event          ├── the caller disconnects ──▶ detached: the turn continues, unless cancel was requested
 *         ──▶ HTTP status                     ├── pause for an approval ──▶ ended, the turn waits
 *                                             └── no end to publish ──▶ the connection is cut
 * </pre>
 *
 * It holds no thread and no connection of the pool, and only the one chunk of events that it is writing. A stream that
 * ends without the turn's end is cut rather than closed, because a clean close looks like success; its last line asks an
 * {@code EventSource} to reconnect soon. If a protocol requires it, a stream is also cut after an end that is not a success.
 *
 * <p>Only frames end with a blank line: readers that keep the last {@code id} treat every blank line as an event.
 */
final class TurnStream implements Flow.Subscriber<List<JournalEntry<ChatEvent>>>, ApprovalPauseDetector.Listener {

    private static final long NO_TIMER = -1;
    /** HTTP/2's code for a broken stream; without it the reset reports no error. HTTP/1.1 closes the connection. */
    private static final long INTERNAL_ERROR = 0x2;
    /** One line end only: a blank line ends an event, and some readers would then see an event without data. */
    static final String HEARTBEAT = ": keep-alive\n";

    private static final Logger LOG = Logger.getLogger(TurnStream.class);

    private final Turn turn;
    private final FrameWriter frames;
    private final PauseFilter filter;
    private final ApiConfig config;
    private final Context context;
    private final HttpServerResponse response;
    private final AsyncResponse refusal;
    private final ReaderKind reader;
    private final Runnable left;
    private final StreamMetrics metrics;
    private final CallerLimits.OpenStream place;
    private Flow.Subscription events;
    private long headTimer = NO_TIMER;
    private long heartbeatTimer = NO_TIMER;
    private boolean headWritten;
    private boolean ended;
    private final long openedAt = System.nanoTime();
    private long wroteAt = openedAt;
    private boolean firstTold;
    /** How many frames of the first event the reader already has. */
    private int skipped;

    /**
     * @param skipped how many frames of the first event the reader already has
     * @param left    called when the caller disconnects before the end
     * @param place   the stream's place among its caller's, given back at its end
     */
    TurnStream(Turn turn, FrameWriter frames, int skipped, PauseFilter filter, ApiConfig config, Context context,
            HttpServerResponse response,
            AsyncResponse refusal, ReaderKind reader, Runnable left, StreamMetrics metrics,
            CallerLimits.OpenStream place) {
        this.turn = turn;
        this.frames = frames;
        this.skipped = skipped;
        this.filter = filter;
        this.config = config;
        this.context = context;
        this.response = response;
        this.refusal = refusal;
        this.reader = reader;
        this.left = left;
        this.metrics = metrics;
        this.place = place;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        context.runOnContext(_ -> {
            events = subscription;
            metrics.opened();
            response.closeHandler(_ -> leave());
            response.exceptionHandler(_ -> leave());
            if (response.closed()) {
                leave();
                return;
            }
            headTimer = context.owner().setTimer(config.headAfter().toMillis(), _ -> context.runOnContext(_ -> head()));
            beat(config.heartbeat().toMillis());
            filter.begin(this);
            if (reader.hasBegun()) {
                // A reader that was cut off sees that it is connected again, even if the next event takes long.
                head();
            }
            subscription.request(1);
        });
    }

    @Override
    public void onNext(List<JournalEntry<ChatEvent>> entries) {
        if (ended) {
            return;
        }
        if (!headWritten && entries.getFirst().number() == 1 && entries.getFirst().event() instanceof Ended end
                && end.outcome() != Outcome.COMPLETED) {
            refuse(end);
            return;
        }
        head();
        tell(filter.take(entries));
        if (!ended && !filter.full()) {
            readOn();
        }
    }

    private void tell(List<JournalEntry<ChatEvent>> entries) {
        JsonWriter out = new JsonWriter(entries.size() * 128);
        Ended end = null;
        for (JournalEntry<ChatEvent> entry : entries) {
            write(entry, out);
            end = entry.event() instanceof Ended ended ? ended : end;
        }
        metrics.told(entries.size());
        if (!firstTold && reader.asked() && !entries.isEmpty()) {
            firstTold = true;
            metrics.firstEvent(System.nanoTime() - openedAt);
        }
        if (end != null) {
            end(Buffer.buffer(out.toBytes()), frames.breaksAfter(end));
        } else if (out.size() > 0) {
            wroteAt = System.nanoTime();
            response.write(Buffer.buffer(out.toBytes()));
        }
    }

    private void write(JournalEntry<ChatEvent> entry, JsonWriter out) {
        if (skipped == 0) {
            frames.write(entry.number(), entry.event(), out);
            return;
        }
        JsonWriter all = new JsonWriter(256);
        frames.write(entry.number(), entry.event(), all);
        byte[] bytes = all.toBytes();
        out.raw(bytes, Math.min(bytes.length, afterFrames(bytes, skipped)));
        skipped = 0;
    }

    /** Where the frame after so many begins. No frame contains a blank line. */
    private static int afterFrames(byte[] bytes, int count) {
        int left = count;
        int at = 1;
        while (left > 0 && at < bytes.length) {
            if (isEnd(bytes, at)) {
                left--;
            }
            at++;
        }
        return at;
    }

    /** How many frames were written. */
    static int frames(byte[] bytes) {
        return (int) IntStream.range(1, bytes.length).filter(at -> isEnd(bytes, at)).count();
    }

    private static boolean isEnd(byte[] bytes, int at) {
        return bytes[at] == '\n' && bytes[at - 1] == '\n';
    }

    /** Writes the last frames. If the connection is to break, it breaks after the reader had time to read them. */
    private void end(Buffer last, boolean breaks) {
        stop();
        if (breaks) {
            response.write(last).onComplete(_ -> context.owner().setTimer(Math.max(1, config.breakAfter().toMillis()),
                    _ -> context.runOnContext(_ -> response.reset(INTERNAL_ERROR))));
        } else {
            response.end(last);
        }
    }

    private void readOn() {
        if (response.writeQueueFull()) {
            response.drainHandler(_ -> {
                response.drainHandler(null);
                events.request(1);
            });
        } else {
            events.request(1);
        }
    }

    @Override
    public void waits(List<ApprovalView> open) {
        if (!ended) {
            head();
            JsonWriter out = new JsonWriter(128);
            filter.pause(out);
            events.cancel();
            end(Buffer.buffer(out.toBytes()), false);
        }
    }

    @Override
    public void goesOn() {
        if (!ended) {
            boolean stood = filter.full();
            tell(filter.release());
            if (stood) {
                readOn();
            }
        }
    }

    @Override
    public void onError(Throwable failure) {
        if (!SqlErrors.isAway(failure)) {
            LOG.errorf("turn %s: a reader's stream ends by a defect: %s", turn.id(), Trace.of(failure));
        }
        if (!headWritten && !ended && !reader.comesBack()) {
            stop();
            name(response, turn.conversationId(), turn.id());
            refusal.resume(SqlErrors.isAway(failure) ? Problems.ofAnother(turn) : failure);
        } else {
            cut();
        }
    }

    @Override
    public void onComplete() {
        if (ended) {
            return;
        }
        if (headWritten || !reader.comesBack()) {
            cut();
        } else {
            stop();
            refusal.resume(reader.nothing());
        }
    }

    private void refuse(Ended end) {
        stop();
        events.cancel();
        name(response, turn.conversationId(), turn.id());
        refusal.resume(Problems.of(turn, end, turn.acknowledged()));
    }

    private void head() {
        if (headWritten || ended) {
            return;
        }
        headWritten = true;
        describe(response.setChunked(true), turn);
        frames.headers().forEach(response::putHeader);
        JsonWriter out = new JsonWriter(256);
        if (frames.opensWithComment()) {
            out.ascii(": turn ").ascii(turn.id().toString()).ascii("\n");
        }
        filter.open(out);
        // Writes the head even if the buffer is empty.
        response.write(Buffer.buffer(out.toBytes()));
    }

    /** The head of a turn's stream. */
    static void describe(HttpServerResponse response, Turn turn) {
        describe(response);
        name(response, turn.conversationId(), turn.id());
    }

    /** The head of any stream. */
    static void describe(HttpServerResponse response) {
        response.putHeader("content-type", "text/event-stream; charset=utf-8").putHeader("cache-control", "no-cache")
                .putHeader("x-accel-buffering", "no");
    }

    static void name(HttpServerResponse response, String conversation, UUID turn) {
        response.putHeader(ConversationHeader.NAME, conversation).putHeader("x-turn-id", turn.toString());
    }

    private void beat(long inMillis) {
        heartbeatTimer = context.owner().setTimer(Math.max(1, inMillis), _ -> context.runOnContext(_ -> {
            if (ended) {
                return;
            }
            long interval = config.heartbeat().toMillis();
            long silent = (System.nanoTime() - wroteAt) / 1_000_000;
            if (silent < interval) {
                beat(interval - silent);
            } else {
                if (headWritten && !response.writeQueueFull()) {
                    response.write(Buffer.buffer(HEARTBEAT));
                }
                wroteAt = System.nanoTime();
                beat(interval);
            }
        }));
    }

    private void leave() {
        if (!ended) {
            stop();
            events.cancel();
            left.run();
        }
    }

    /** A stream without the turn's end must not look complete. */
    private void cut() {
        stop();
        cut(response, headWritten, config);
    }

    /** Breaks a connection, whose reader comes back. */
    static void cut(HttpServerResponse response, boolean headWritten, ApiConfig config) {
        if (headWritten && !response.writeQueueFull()) {
            // Readers must not reconnect at the same moment: a stopping replica sends all of them to the others.
            long retry = ThreadLocalRandom.current().nextLong(config.comeBackWithin().toMillis() + 1);
            response.write(Buffer.buffer("retry: " + retry + "\n")).onComplete(_ -> response.reset(INTERNAL_ERROR));
        } else {
            response.reset(INTERNAL_ERROR);
        }
    }

    private void stop() {
        if (!ended) {
            ended = true;
            metrics.closed();
            place.close();
            filter.stop();
            context.owner().cancelTimer(headTimer);
            context.owner().cancelTimer(heartbeatTimer);
        }
    }
}
