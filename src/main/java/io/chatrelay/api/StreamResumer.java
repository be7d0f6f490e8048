package io.chatrelay.api;

import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongFunction;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.AsyncResponse;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.StoredTurns;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;

/** Resumes a turn's stream at a reader's position. */
@ApplicationScoped
public class StreamResumer {

    private final StoredTurns storedTurns;
    private final TurnEndpoint turns;
    private final StreamTokenGuard tokens;
    private final Protocols protocols;

    StreamResumer(StoredTurns storedTurns, TurnEndpoint turns, StreamTokenGuard tokens, Protocols protocols) {
        this.storedTurns = storedTurns;
        this.turns = turns;
        this.tokens = tokens;
        this.protocols = protocols;
    }

    /**
     * 204 means that there is nothing, or nothing more, to read: the only answer that stops an {@code EventSource}. If the database cannot be
     * reached, or this replica stops, the connection of an {@code EventSource} is cut, because an error status would stop it for good; also if it
     * reconnects, and there are as many streams as there may be.
     *
     * @param otherwise the behavior at an approval for a reader that states neither this nor its position
     */
    void read(String conversation, StreamPosition position, ApprovalBehavior otherwise, RoutingContext http,
            AsyncResponse reply) {
        guarded(http, () -> {
            StreamTokenGuard.Admission admission = tokens.admit(conversation);
            find(conversation, position.within(admission), admission, otherwise, http, reply);
        });
    }

    /**
     * A request that begins turns, posted again with the id of the last event that its client has: the client resumes that turn, and begins
     * no new one. A client that retries automatically does so even after its turn's end.
     */
    public void readOn(RepeatedPost post, RoutingContext http, AsyncResponse reply) {
        guarded(http, () -> {
            String conversation = post.conversationIn(storedTurns);
            stream(post.position(), after -> readable(post, conversation, after), ApprovalBehavior.WAIT,
                    ReaderKind.whoRepeats(conversation, post.leavingStops()), _ -> {}, http, reply);
        });
    }

    /**
     * The same for {@code useChat}, which also requests chats that it has just created: there is nothing to read in a conversation that
     * does not exist, or is not visible to this caller.
     */
    public void readIfAny(String conversation, StreamPosition position, ApprovalBehavior otherwise, RoutingContext http,
            AsyncResponse reply) {
        guarded(http, () -> {
            JsonBody.checkId("id", conversation);
            StreamTokenGuard.Admission admission = tokens.admit(conversation);
            if (storedTurns.exists(turns.scope(), conversation)) {
                find(conversation, position.within(admission), admission, otherwise, http, reply);
            } else {
                reply.resume(ReaderKind.NOTHING);
            }
        });
    }

    /**
     * Opens a stream. What is only temporary cuts the connection of an {@code EventSource}, which then reconnects, and is an error for any other
     * reader.
     */
    void guarded(RoutingContext http, Runnable read) {
        boolean eventSource = RequestLimit.isEventSource(http.request());
        if (eventSource && storedTurns.closesReaders()) {
            http.response().reset();
            return;
        }
        try {
            read.run();
        } catch (RuntimeException e) {
            boolean passes = SqlErrors.isAway(e) || isFull(e) && RequestLimit.isReconnecting(http.request());
            if (!eventSource || !passes) {
                throw e;
            }
            http.response().reset();
        }
    }

    private static boolean isFull(RuntimeException e) {
        return e instanceof ChatException refused && (refused.kind() == ChatException.Kind.LIMIT_REACHED
                || refused.kind() == ChatException.Kind.OVERLOADED);
    }

    private void find(String conversation, StreamPosition position, StreamTokenGuard.Admission admission,
            ApprovalBehavior otherwise,
            RoutingContext http, AsyncResponse reply) {
        JsonBody.checkId("id", conversation);
        stream(position, after -> readable(conversation, position, after), otherwise,
                ReaderKind.whoComesBack(position.event().map(EventId::number).orElse(0L)), admission::check, http, reply);
    }

    private Optional<Turn> readable(String conversation, StreamPosition position, long after) {
        Optional<EventId> event = position.event();
        UUID named = position.turnId();
        return event.isEmpty() && named == null ? storedTurns.running(turns.scope(), conversation)
                : storedTurns.readable(turns.scope(), conversation, named, event.map(EventId::ordinal).orElse(null),
                        after);
    }

    /** The decisions are already recorded; a message must be the one that began its turn. */
    private Optional<Turn> readable(RepeatedPost post, String conversation, long after) {
        if (post.command() == null) {
            return readable(conversation, post.position(), after);
        }
        EventId event = post.position().event().orElseThrow();
        return storedTurns.readableAgain(post.command(), conversation, event.ordinal(), after);
    }

    private void stream(StreamPosition position, LongFunction<Optional<Turn>> sought, ApprovalBehavior otherwise,
            ReaderKind reader,
            Consumer<Turn> admits, RoutingContext http, AsyncResponse reply) {
        Protocol protocol = protocols.named(position.wire());
        boolean usage = position.usage();
        ApprovalBehavior atApproval = position.atApproval(protocol, otherwise);
        long after = position.readTo();
        int skipped = position.frames();
        Optional<Turn> readable = sought.apply(after);
        readable.ifPresent(admits);
        if (readable.isPresent() && skipped > 0 && hasWhole(protocol, readable.get(), position)) {
            after++;
            skipped = 0;
            readable = sought.apply(after);
        }
        if (readable.isEmpty()) {
            reply.resume(reader.nothing());
            return;
        }
        Turn turn = readable.get();
        if (http.request().method() == HttpMethod.HEAD) {
            TurnStream.describe(http.response(), turn);
            http.response().end();
            return;
        }
        FrameWriter frames = turns.frames(protocol, turn, usage, after);
        switch (atApproval) {
            case WAIT -> turns.stream(turn, frames, after, skipped, http, reply, reader);
            case PAUSE -> turns.streamToPause(turn, frames, ReplayPosition.after(after, turn, storedTurns), skipped, http,
                    reply, reader);
        }
    }

    /** Whether the reader has every frame of the event after which its position is: then it has the event as a whole. */
    private boolean hasWhole(Protocol protocol, Turn turn, StreamPosition position) {
        FrameWriter frames = protocol.frames(turn, position.usage());
        JsonWriter out = new JsonWriter(256);
        storedTurns.replay(turn, (number, event) -> {
            if (number <= position.readTo()) {
                frames.skip(event);
            } else if (number == position.readTo() + 1) {
                frames.write(number, event, out);
            }
        });
        return position.frames() >= TurnStream.frames(out.toBytes());
    }
}
