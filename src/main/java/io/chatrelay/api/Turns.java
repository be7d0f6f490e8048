package io.chatrelay.api;

import java.io.InputStream;
import java.util.concurrent.Executor;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;

import io.chatrelay.access.Caller;
import io.chatrelay.access.CurrentCaller;
import io.chatrelay.api.wire.Wire;
import io.chatrelay.chat.Chat;
import io.chatrelay.chat.Conversations;
import io.chatrelay.chat.Turn;
import io.vertx.core.Context;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;

/** Connects callers with turns: sends for them, and lets them read. */
@ApplicationScoped
class Turns {

    private final Chat chat;
    private final Conversations conversations;
    private final CurrentCaller caller;
    private final ApiConfig config;
    private final StreamMetrics metrics;

    Turns(Chat chat, Conversations conversations, CurrentCaller caller, ApiConfig config, StreamMetrics metrics) {
        this.chat = chat;
        this.conversations = conversations;
        this.caller = caller;
        this.config = config;
        this.metrics = metrics;
    }

    JsonBody body(InputStream in, HttpHeaders http) {
        return JsonBody.read(in, http, config.maxBody().asLongValue());
    }

    String tenant() {
        return caller.get().tenant();
    }

    Caller caller() {
        return caller.get();
    }

    Turn send(ChatRequest request) {
        return chat.send(request.command());
    }

    /**
     * Writes the turn's events after a number into the response, from now on without this thread.
     *
     * @param nothing the answer to a reader that finds nothing more, or null for the caller that sent the message
     */
    void stream(Turn turn, Wire wire, long after, RoutingContext http, AsyncResponse refusal, Response nothing) {
        Context context = context(http);
        TurnStream stream = new TurnStream(turn, wire, config, context, http.response(), refusal, nothing,
                metrics);
        conversations.follow(turn, after, on(context)).subscribe().withSubscriber(stream);
    }

    /** Answers with the turn's end, from now on without this thread. */
    void reply(Turn turn, RoutingContext http, AsyncResponse reply) {
        conversations.follow(turn, 0, on(context(http))).subscribe()
                .withSubscriber(new TurnReply(turn, http.response(), reply));
    }

    /** The connection's own event loop: what belongs to one response happens there, one thing after another. */
    private static Context context(RoutingContext http) {
        return ((ConnectionBase) http.request().connection()).getContext();
    }

    private static Executor on(Context context) {
        return task -> context.runOnContext(_ -> task.run());
    }
}
