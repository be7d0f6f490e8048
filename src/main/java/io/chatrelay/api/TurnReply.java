package io.chatrelay.api;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.approval.ApprovalView;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.JournalEntry;
import io.vertx.core.Context;
import io.vertx.core.http.HttpServerResponse;

/**
 * Waits without a thread until a turn ends, or waits for an approval, and answers with one JSON: the protocol's complete answer, or an error
 * with an HTTP status.
 */
public final class TurnReply implements Flow.Subscriber<List<JournalEntry<ChatEvent>>>, ApprovalPauseDetector.Listener {

    private static final Pattern WAIT = Pattern.compile("\\s*wait\\s*(?:[=;].*)?", Pattern.CASE_INSENSITIVE);

    private final Turn turn;
    private final Protocol protocol;
    private final Context context;
    private final HttpServerResponse response;
    private final AsyncResponse reply;
    private final Transcript transcript = new Transcript();
    private final ApprovalPauseDetector waits;
    private final Runnable left;
    private final Executor writers;
    private Flow.Subscription events;
    private boolean answered;

    /**
     * @param waits null for a caller that waits for the turn's end, even if the turn waits for an approval
     * @param left    called when the caller disconnects before the answer
     * @param writers the executor that writes complete answers
     */
    TurnReply(Turn turn, Protocol protocol, ApprovalPauseDetector waits, Context context, HttpServerResponse response,
            AsyncResponse reply,
            Runnable left,
            Executor writers) {
        this.turn = turn;
        this.protocol = protocol;
        this.waits = waits;
        this.context = context;
        this.response = response;
        this.reply = reply;
        this.left = left;
        this.writers = writers;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        context.runOnContext(_ -> {
            events = subscription;
            response.closeHandler(_ -> disconnected());
            if (response.closed()) {
                disconnected();
                return;
            }
            if (waits != null) {
                waits.begin(this, true);
            }
            subscription.request(1);
        });
    }

    private void disconnected() {
        if (!answered) {
            leave();
            left.run();
        }
    }

    /** Whether the caller prefers to wait for the end. Source: RFC 7240. */
    public static boolean prefersWait(HttpHeaders headers) {
        List<String> prefer = headers.getRequestHeader("prefer");
        return prefer != null && prefer.stream().flatMap(line -> Stream.of(line.split(",")))
                .anyMatch(preference -> WAIT.matcher(preference).matches());
    }

    @Override
    public void onNext(List<JournalEntry<ChatEvent>> entries) {
        if (answered) {
            return;
        }
        for (JournalEntry<ChatEvent> entry : entries) {
            transcript.apply(entry.event());
            if (waits != null) {
                waits.take(entry.event());
            }
        }
        if (transcript.ended() == null) {
            events.request(1);
        } else {
            end(transcript.ended());
        }
    }

    @Override
    public void waits(List<ApprovalView> open) {
        if (!answered) {
            leave();
            TurnStream.name(response, turn.conversationId(), turn.id());
            write(() -> protocol.waiting(turn, transcript, open));
        }
    }

    /** An answer may have megabytes, which must not be written on the event loop. The transcript does not change any more. */
    private void write(Supplier<String> completion) {
        writers.execute(() -> {
            try {
                reply.resume(Response.ok(completion.get(), MediaType.APPLICATION_JSON_TYPE).build());
            } catch (RuntimeException | Error e) {
                reply.resume(e);
            }
        });
    }

    @Override
    public void goesOn() {
        // This subscriber holds nothing back.
    }

    private void leave() {
        answered();
        events.cancel();
    }

    private void answered() {
        answered = true;
        if (waits != null) {
            waits.stop();
        }
    }

    private void end(ChatEvent.Ended end) {
        answered();
        TurnStream.name(response, turn.conversationId(), turn.id());
        if (end.outcome() == Outcome.COMPLETED) {
            write(() -> protocol.whole(turn, transcript));
        } else {
            reply.resume(Problems.of(turn, end, transcript.started() || turn.acknowledged()));
        }
    }

    @Override
    public void onError(Throwable failure) {
        if (!answered) {
            answered();
            TurnStream.name(response, turn.conversationId(), turn.id());
            reply.resume(SqlErrors.isAway(failure) ? Problems.ofAnother(turn) : failure);
        }
    }

    @Override
    public void onComplete() {
        onError(Problems.ofAnother(turn));
    }
}
