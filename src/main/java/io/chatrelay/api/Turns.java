package io.chatrelay.api;

import java.io.InputStream;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.HttpHeaders;

import org.jboss.logging.Logger;

import io.chatrelay.access.Caller;
import io.chatrelay.access.CurrentCaller;
import io.chatrelay.api.wire.AiSdkWire;
import io.chatrelay.api.wire.Wire;
import io.chatrelay.chat.Approvals;
import io.chatrelay.chat.Cancelling;
import io.chatrelay.chat.Chat;
import io.chatrelay.chat.Conversations;
import io.chatrelay.chat.DecideCommand;
import io.chatrelay.chat.Decided;
import io.chatrelay.chat.PausePoints;
import io.chatrelay.chat.Turn;
import io.quarkus.virtual.threads.VirtualThreads;
import io.vertx.core.Context;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;

/** Connects callers with turns: sends for them, and lets them read. */
@ApplicationScoped
class Turns {

    private static final Logger LOG = Logger.getLogger(Turns.class);

    private final Chat chat;
    private final Conversations conversations;
    private final Approvals approvals;
    private final Cancelling cancelling;
    private final CurrentCaller caller;
    private final ApiConfig config;
    private final RequestBodies bodies;
    private final StreamMetrics metrics;
    private final RefusedTurns refusals;
    private final RoutingContext http;
    private final ExecutorService virtualThreads;

    Turns(Chat chat, Conversations conversations, Approvals approvals, Cancelling cancelling, CurrentCaller caller,
            ApiConfig config, RequestBodies bodies, StreamMetrics metrics, RefusedTurns refusals, RoutingContext http,
            @VirtualThreads ExecutorService virtualThreads) {
        this.chat = chat;
        this.conversations = conversations;
        this.approvals = approvals;
        this.cancelling = cancelling;
        this.virtualThreads = virtualThreads;
        this.caller = caller;
        this.config = config;
        this.bodies = bodies;
        this.metrics = metrics;
        this.refusals = refusals;
        this.http = http;
    }

    RequestBodies.Read body(InputStream in, HttpHeaders http) {
        return bodies.read(in, http);
    }

    /** The same, where no body at all means an empty object. */
    RequestBodies.Read bodyIfAny(InputStream in, HttpHeaders http) {
        return bodies.readIfAny(in, http);
    }

    String tenant() {
        return caller.get().tenant();
    }

    Caller caller() {
        return caller.get();
    }

    Turn send(ChatRequest request) {
        try {
            Turn turn = chat.send(request.command());
            // Every further line has the turn's id; whose it is, and which request asked, is looked up here.
            LOG.infof("turn %s: request=%s conversation=%s caller=%s tenant=%s", turn.id(), RequestId.of(http),
                    turn.conversationId(), caller.get().name(), turn.tenant());
            return turn;
        } catch (RuntimeException e) {
            refusals.count(e);
            throw e;
        }
    }

    List<Decided> decide(DecideCommand command) {
        return approvals.decide(command);
    }

    /** Where a client stands that answers approvals of a turn. */
    Standing standing(Turn turn, SeenCalls seen) {
        return seen.in(turn, conversations);
    }

    /** Stops the turn that runs in one of the caller's conversations. @param turnId the only one that may be stopped, or null */
    Cancelling.Asked cancel(String conversation, UUID turnId) {
        return cancelling.cancel(tenant(), conversation, turnId);
    }

    /** Writes the turn's events after a number into the response, from now on without this thread. */
    void stream(Turn turn, Wire wire, long after, RoutingContext http, AsyncResponse refusal, Reader reader) {
        stream(turn, wire, Telling.all(), after, http, refusal, reader);
    }

    /** The same on the AI SDK's wire, from where the reader stands, up to the next pause for an approval. */
    void streamToPause(Turn turn, Standing from, RoutingContext http, AsyncResponse refusal, Reader reader) {
        AiSdkWire wire = new AiSdkWire(turn);
        stream(turn, wire, Telling.pausing(wire, from, waits(turn, from.calls(), context(http))), from.after(), http, refusal,
                reader);
    }

    /** The same after a pause, but to the turn's end. */
    void streamOn(Turn turn, Standing from, RoutingContext http, AsyncResponse refusal, Reader reader) {
        AiSdkWire wire = new AiSdkWire(turn);
        stream(turn, wire, Telling.goingOn(wire, from), from.after(), http, refusal, reader);
    }

    private void stream(Turn turn, Wire wire, Telling telling, long after, RoutingContext http, AsyncResponse refusal,
            Reader reader) {
        if (http.request().version() == HttpVersion.HTTP_1_0) {
            // It knows no chunks, so a stream ends with its connection, also where that was asked to be kept.
            http.addEndHandler(_ -> http.request().connection().close());
        }
        Context context = context(http);
        TurnStream stream = new TurnStream(turn, wire, telling, config, context, http.response(), refusal, reader,
                left(turn, reader.leavingStops()),
                metrics);
        conversations.follow(turn, after, on(context), true).subscribe().withSubscriber(stream);
    }

    /**
     * Answers in one piece, from now on without this thread: with the turn's end, or before it when the turn waits for an approval.
     *
     * @param toTheEnd     whether the end is wanted, whatever the turn waits for
     * @param leavingStops whether the turn is stopped when the caller disconnects
     */
    void reply(Turn turn, boolean toTheEnd, boolean leavingStops, RoutingContext http, AsyncResponse reply) {
        Context context = context(http);
        Waits waits = toTheEnd ? null : waits(turn, new PausePoints(), context);
        conversations.follow(turn, 0, on(context), false).subscribe()
                .withSubscriber(new TurnReply(turn, waits, context, http.response(), reply, left(turn, leavingStops),
                        virtualThreads));
    }

    /** What a caller's leaving means: it detaches, or had asked that its turn be stopped then. */
    private Runnable left(Turn turn, boolean stops) {
        return stops ? () -> cancelling.left(turn) : () -> {};
    }

    private Waits waits(Turn turn, PausePoints calls, Context context) {
        return new Waits(calls, config, context, () -> approvals.open(turn.id()), virtualThreads);
    }

    /** The connection's own event loop: what belongs to one response happens there, one thing after another. */
    private static Context context(RoutingContext http) {
        return ((ConnectionBase) http.request().connection()).getContext();
    }

    private static Executor on(Context context) {
        return task -> context.runOnContext(_ -> task.run());
    }
}
