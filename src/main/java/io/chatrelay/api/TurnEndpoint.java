package io.chatrelay.api;

import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import org.jboss.logging.Logger;

import io.chatrelay.access.Caller;
import io.chatrelay.access.CurrentCaller;
import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.approval.Approvals;
import io.chatrelay.approval.DecideCommand;
import io.chatrelay.approval.RecordedDecision;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.PausePoints;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.limit.CallerLimits;
import io.chatrelay.limit.LimitException;
import io.chatrelay.limit.Limits;
import io.chatrelay.logging.LogIds;
import io.chatrelay.turn.Cancellation;
import io.chatrelay.turn.Sent;
import io.chatrelay.turn.StoredTurns;
import io.chatrelay.turn.Turns;
import io.quarkus.virtual.threads.VirtualThreads;
import io.vertx.core.Context;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;

/** Connects callers with turns: sends their messages, and streams the answers. */
@ApplicationScoped
public class TurnEndpoint {

    private static final Logger LOG = Logger.getLogger(TurnEndpoint.class);
    /** Where a request keeps its place among the caller's streams. */
    private static final String PLACE = "chat-relay.stream";

    private final Turns turns;
    private final StoredTurns storedTurns;
    private final Approvals approvals;
    private final Cancellation cancellation;
    private final CurrentCaller caller;
    private final Limits limits;
    private final ReplicaLoad load;
    private final ApiConfig config;
    private final RequestBodies bodies;
    private final StreamMetrics metrics;
    private final RefusedTurnCounter refusals;
    private final RoutingContext http;
    private final ExecutorService virtualThreads;

    TurnEndpoint(Turns turns, StoredTurns storedTurns, Approvals approvals, Cancellation cancellation, CurrentCaller caller,
            Limits limits, ReplicaLoad load, ApiConfig config, RequestBodies bodies, StreamMetrics metrics,
            RefusedTurnCounter refusals,
            RoutingContext http,
            @VirtualThreads ExecutorService virtualThreads) {
        this.turns = turns;
        this.storedTurns = storedTurns;
        this.approvals = approvals;
        this.cancellation = cancellation;
        this.virtualThreads = virtualThreads;
        this.caller = caller;
        this.limits = limits;
        this.load = load;
        this.config = config;
        this.bodies = bodies;
        this.metrics = metrics;
        this.refusals = refusals;
        this.http = http;
    }

    public RequestBodies.Read body(InputStream in, HttpHeaders http) {
        return bodies.read(in, http);
    }

    /** The same; a missing body is read as an empty object. */
    RequestBodies.Read bodyIfAny(InputStream in, HttpHeaders http) {
        return bodies.readIfAny(in, http);
    }

    /** What the caller may see. */
    Scope scope() {
        return EndUsers.scope(caller.get());
    }

    public Caller caller() {
        return caller.get();
    }

    /**
     * Begins the turn of a message, or attaches to the one that the same message began.
     *
     * @param streams whether the answer is a stream. Its place among the caller's streams is taken first, so that no turn begins whose answer could
     *                not be read
     * @return empty if the message waits for its turn: the reply says so
     */
    public Optional<Turn> send(ChatRequest request, boolean streams, AsyncResponse reply) {
        try {
            load.checkTurn();
            if (streams) {
                openStream();
            }
            Sent sent = turns.send(request.command());
            CallerLimits own = limits();
            own.turnsLeft().ifPresent(left -> RateLimitHeaders.put(http, left));
            own.tokensLeft().ifPresent(left -> RateLimitHeaders.put(http, left));
            if (sent instanceof Sent.Queued(var message)) {
                LOG.infof("message %s waits: conversation=%s caller=%s tenant=%s", message.id(), message.conversationId(),
                        caller.get().name(), caller.get().tenant());
                reply.resume(Response.accepted(QueuedReply.of(message)).type(MediaType.APPLICATION_JSON_TYPE)
                        .header(HttpHeaders.RETRY_AFTER, 1).header(ConversationHeader.NAME, message.conversationId()).build());
                return Optional.empty();
            }
            Turn turn = ((Sent.InTurn) sent).turn();
            // All later lines contain the turn's id; its owner and the request that began it are found here.
            LogIds ids = ids(http, turn);
            String name = caller.get().name();
            ids.run(() -> LOG.infof("turn %s: request=%s conversation=%s caller=%s tenant=%s", turn.id(), ids.request(),
                    turn.conversationId(), name, turn.tenant()));
            return Optional.of(turn);
        } catch (RuntimeException e) {
            refusals.count(e);
            if (e instanceof LimitException limited) {
                RateLimitHeaders.put(http, limited.left());
            }
            throw e;
        }
    }

    private CallerLimits limits() {
        return limits.of(caller.get().tenant(), caller.get().name());
    }

    /**
     * Takes a place among the caller's streams for this request's answer. It is given back at the end of the answer, whatever that is. A stream
     * whose place was not taken before takes it when it begins.
     *
     * @return the place, for a stream whose end the request is not told of: one that handles the connection's end itself
     * @throws LimitException if the caller has as many streams as it may
     * @throws ChatException  if this replica has
     */
    public CallerLimits.OpenStream openStream() {
        CallerLimits own = limits();
        load.checkStream();
        try {
            CallerLimits.OpenStream place = own.openStream();
            http.put(PLACE, place);
            http.addEndHandler(_ -> place.close());
            own.streamsLeft().ifPresent(left -> RateLimitHeaders.put(http, left));
            return place;
        } catch (LimitException e) {
            RateLimitHeaders.put(http, e.left());
            throw e;
        }
    }

    public List<RecordedDecision> decide(DecideCommand command) {
        return approvals.decide(command);
    }

    /** The position of a client that decides approvals of a turn. */
    public ReplayPosition standing(Turn turn, SeenCalls seen) {
        return seen.in(turn, storedTurns);
    }

    /**
     * Cancels the turn that runs in one of the caller's conversations.
     *
     * @param turnId the only turn that may be cancelled, or null
     */
    Cancellation.Asked cancel(String conversation, UUID turnId) {
        return cancellation.cancel(scope(), conversation, turnId);
    }

    /**
     * A writer of the turn's frames for a reader that has the events up to a number.
     *
     * @param includeUsage whether the reader asked for the usage
     */
    public FrameWriter frames(Protocol protocol, Turn turn, boolean includeUsage, long after) {
        FrameWriter frames = protocol.frames(turn, includeUsage);
        if (after > 0 && frames.dependsOnEarlierEvents()) {
            storedTurns.replay(turn, (number, event) -> {
                if (number <= after) {
                    frames.skip(event);
                }
            });
        }
        return frames;
    }

    /**
     * Writes the turn's events after a number into the response, without further use of this thread.
     *
     * @param skipped how many frames of the first of these events the reader already has
     */
    public void stream(Turn turn, FrameWriter frames, long after, int skipped, RoutingContext http, AsyncResponse refusal,
            ReaderKind reader) {
        stream(turn, frames, PauseFilter.all(), after, skipped, http, refusal, reader);
    }

    /** The same from the reader's position, up to the next pause for an approval. */
    public void streamToPause(Turn turn, FrameWriter frames, ReplayPosition from, int skipped, RoutingContext http,
            AsyncResponse refusal,
            ReaderKind reader) {
        stream(turn, frames, PauseFilter.pausing(frames, from, waits(turn, from.calls(), context(http, turn))), from.after(),
                skipped,
                http,
                refusal, reader);
    }

    /** The same after a pause, but to the turn's end. */
    public void streamOn(Turn turn, FrameWriter frames, ReplayPosition from, RoutingContext http, AsyncResponse refusal,
            ReaderKind reader) {
        stream(turn, frames, PauseFilter.goingOn(frames, from), from.after(), 0, http, refusal, reader);
    }

    private void stream(Turn turn, FrameWriter frames, PauseFilter filter, long after, int skipped, RoutingContext http,
            AsyncResponse refusal, ReaderKind reader) {
        TraceLinks.link(turn);
        if (http.request().version() == HttpVersion.HTTP_1_0) {
            // HTTP/1.0 has no chunks, so a stream ends with its connection, even if the client requested to keep it.
            http.addEndHandler(_ -> http.request().connection().close());
        }
        if (http.get(PLACE) == null) {
            openStream();
        }
        CallerLimits.OpenStream place = http.get(PLACE);
        Context context = context(http, turn);
        TurnStream stream = new TurnStream(turn, frames, skipped, filter, config, context, http.response(), refusal, reader,
                left(turn, reader.leavingStops()),
                metrics, place);
        storedTurns.follow(turn, after, on(context), true).subscribe().withSubscriber(stream);
    }

    /**
     * Answers with one JSON, without further use of this thread: at the turn's end, or earlier if the turn waits for an approval.
     *
     * @param protocol     the protocol of the answer
     * @param toTheEnd     whether the caller waits for the end, even if the turn waits for an approval
     * @param leavingStops whether the turn is cancelled when the caller disconnects
     */
    public void reply(Turn turn, Protocol protocol, boolean toTheEnd, boolean leavingStops, RoutingContext http,
            AsyncResponse reply) {
        TraceLinks.link(turn);
        Context context = context(http, turn);
        ApprovalPauseDetector waits = toTheEnd ? null : waits(turn, new PausePoints(), context);
        storedTurns.follow(turn, 0, on(context), false).subscribe()
                .withSubscriber(new TurnReply(turn, protocol, waits, context, http.response(), reply, left(turn, leavingStops),
                        virtualThreads));
    }

    /** When a caller disconnects, it only detaches, unless it requested that its turn is then cancelled. */
    private Runnable left(Turn turn, boolean stops) {
        return stops ? () -> cancellation.left(turn) : () -> {};
    }

    private ApprovalPauseDetector waits(Turn turn, PausePoints calls, Context context) {
        return new ApprovalPauseDetector(calls, config, context, () -> approvals.open(turn.id()), virtualThreads);
    }

    /** On the connection's own event loop, which runs all work of one response in sequence. */
    private static Context context(RoutingContext http, Turn turn) {
        return ids(http, turn).context(((ConnectionBase) http.request().connection()).getContext());
    }

    private static LogIds ids(RoutingContext http, Turn turn) {
        return LogIds.ofRequest(RequestId.of(http)).withTurn(turn.id(), turn.conversationId(), turn.traceparent());
    }

    private static Executor on(Context context) {
        return task -> context.runOnContext(_ -> task.run());
    }
}
