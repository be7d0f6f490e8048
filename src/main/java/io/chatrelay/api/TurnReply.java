package io.chatrelay.api;

import java.util.List;
import java.util.concurrent.Flow;

import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import io.chatrelay.api.wire.Completion;
import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.Outcome;
import io.chatrelay.chat.Transcript;
import io.chatrelay.chat.Turn;
import io.chatrelay.journal.Entry;
import io.vertx.core.http.HttpServerResponse;

/** Waits for a turn's end without a thread, and answers it in one piece: a completion, or an error with a real status. */
final class TurnReply implements Flow.Subscriber<List<Entry<ChatEvent>>> {

    private final Turn turn;
    private final HttpServerResponse response;
    private final AsyncResponse reply;
    private final Transcript transcript = new Transcript();
    private Flow.Subscription events;

    TurnReply(Turn turn, HttpServerResponse response, AsyncResponse reply) {
        this.turn = turn;
        this.response = response;
        this.reply = reply;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        events = subscription;
        // The caller that leaves only detaches.
        response.closeHandler(_ -> events.cancel());
        subscription.request(1);
    }

    @Override
    public void onNext(List<Entry<ChatEvent>> entries) {
        entries.forEach(entry -> transcript.apply(entry.event()));
        if (transcript.ended() == null) {
            events.request(1);
        } else {
            end(transcript.ended());
        }
    }

    private void end(ChatEvent.Ended end) {
        TurnStream.name(response, turn.conversationId(), turn.id());
        if (end.outcome() == Outcome.COMPLETED) {
            reply.resume(Response.ok(Completion.of(turn, transcript), MediaType.APPLICATION_JSON_TYPE).build());
        } else {
            reply.resume(Problems.of(turn, end));
        }
    }

    @Override
    public void onError(Throwable failure) {
        reply.resume(failure);
    }

    @Override
    public void onComplete() {
        if (transcript.ended() == null) {
            reply.resume(Problems.builder(503, "This replica no longer runs the turn. Ask again for its answer.")
                    .withHeader("retry-after", 1).with("turnId", turn.id().toString()).build());
        }
    }
}
