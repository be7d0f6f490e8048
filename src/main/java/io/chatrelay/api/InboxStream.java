package io.chatrelay.api;

import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.Flow;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.approval.InboxEvent;
import io.chatrelay.limit.CallerLimits;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;

/**
 * Writes the inbox into one caller's response. It holds no thread and no connection of the pool, and only the one chunk of entries that it is writing.
 * The stream has no end: it is cut if the replica stops, and its reader comes back with the last id.
 */
final class InboxStream implements Flow.Subscriber<List<InboxEvent>> {

    private final ObjectMapper json;
    private final ApiConfig config;
    private final Context context;
    private final HttpServerResponse response;
    private final StreamMetrics metrics;
    private final CallerLimits.OpenStream place;
    private Flow.Subscription events;
    private long heartbeatTimer;
    private long wroteAt;
    private boolean ended;

    /** @param place the stream's place among its caller's, given back at its end */
    InboxStream(ObjectMapper json, ApiConfig config, Context context, HttpServerResponse response, StreamMetrics metrics,
            CallerLimits.OpenStream place) {
        this.json = json;
        this.config = config;
        this.context = context;
        this.response = response;
        this.metrics = metrics;
        this.place = place;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        context.runOnContext(_ -> {
            events = subscription;
            metrics.opened();
            response.closeHandler(_ -> stop());
            response.exceptionHandler(_ -> stop());
            beat(config.heartbeat().toMillis());
            if (response.closed()) {
                stop();
                return;
            }
            TurnStream.describe(response.setChunked(true));
            // A reader sees that it is connected, even if nothing is pending.
            write(Buffer.buffer(": inbox\n"));
        });
    }

    /** Called on a thread that may block: an entry may be so large that writing its JSON would keep an event loop busy. */
    @Override
    public void onNext(List<InboxEvent> told) {
        Buffer frames = Buffer.buffer();
        told.forEach(event -> frame(event, frames));
        context.runOnContext(_ -> {
            if (!ended) {
                metrics.told(told.size());
                write(frames);
            }
        });
    }

    private void frame(InboxEvent event, Buffer out) {
        out.appendString("id: ").appendString(event.position().toString());
        switch (event) {
            case InboxEvent.Entry(var approval, _) ->
                    out.appendString("\nevent: approval\ndata: ").appendBytes(bytes(approval));
            case InboxEvent.Listed(_) -> out.appendString("\nevent: listed\ndata: {}");
        }
        out.appendString("\n\n");
    }

    /** One line: the JSON that is passed on unchanged has no line breaks either. */
    private byte[] bytes(ApprovalView value) {
        try {
            return json.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(Buffer frames) {
        wroteAt = System.nanoTime();
        response.write(frames);
        if (response.writeQueueFull()) {
            response.drainHandler(_ -> {
                response.drainHandler(null);
                events.request(1);
            });
        } else {
            events.request(1);
        }
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
                if (!response.writeQueueFull()) {
                    response.write(Buffer.buffer(TurnStream.HEARTBEAT));
                }
                wroteAt = System.nanoTime();
                beat(interval);
            }
        }));
    }

    @Override
    public void onError(Throwable failure) {
        onComplete();
    }

    @Override
    public void onComplete() {
        context.runOnContext(_ -> {
            if (!ended) {
                stop();
                TurnStream.cut(response, true, config);
            }
        });
    }

    private void stop() {
        if (!ended) {
            ended = true;
            metrics.closed();
            place.close();
            context.owner().cancelTimer(heartbeatTimer);
            events.cancel();
        }
    }
}
