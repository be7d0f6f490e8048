package io.chatrelay.api;

import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.AsyncResponse;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.StoredTurns;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;

/** Lets a reader take a turn up where it left it. */
@ApplicationScoped
public class StreamResumer {

    private final StoredTurns storedTurns;
    private final TurnEndpoint turns;
    private final StreamTokenGuard bearers;
    private final Protocols protocols;

    StreamResumer(StoredTurns storedTurns, TurnEndpoint turns, StreamTokenGuard bearers, Protocols protocols) {
        this.storedTurns = storedTurns;
        this.turns = turns;
        this.bearers = bearers;
        this.protocols = protocols;
    }

    /**
     * 204 says that there is nothing, or nothing more, to read: the only answer that stops an {@code EventSource}. One that comes while
     * the database is away, or this replica stops, is cut off, for a status would stop it for good.
     *
     * @param otherwise what is done at an approval for a reader that says neither this nor where it stands
     */
    void read(String conversation, StreamPosition position, ApprovalBehavior otherwise, RoutingContext http,
            AsyncResponse reply) {
        guarded(http, () -> {
            StreamTokenGuard.Admission admission = bearers.admit(conversation);
            find(conversation, position.within(admission), admission, otherwise, http, reply);
        });
    }

    /**
     * A request that begins turns, posted again with the id of the last event that its client has: it reads on in that turn, and begins
     * none. A client that repeats by itself does so after its turn's end, too.
     */
    public void readOn(RepeatedPost post, RoutingContext http, AsyncResponse reply) {
        guarded(http, () -> {
            String conversation = post.conversationIn(storedTurns);
            stream(post.position(), () -> readable(post, conversation), ApprovalBehavior.WAIT,
                    ReaderKind.whoRepeats(conversation, post.leavingStops()), _ -> {}, http, reply);
        });
    }

    /**
     * The same for {@code useChat}, which asks for a chat that it has just made up, too: there is nothing to read in a conversation that
     * does not exist, or not for this caller.
     */
    public void readIfAny(String conversation, StreamPosition position, ApprovalBehavior otherwise, RoutingContext http,
            AsyncResponse reply) {
        guarded(http, () -> {
            JsonBody.checkId("id", conversation);
            StreamTokenGuard.Admission admission = bearers.admit(conversation);
            if (storedTurns.exists(turns.tenant(), conversation)) {
                find(conversation, position.within(admission), admission, otherwise, http, reply);
            } else {
                reply.resume(ReaderKind.NOTHING);
            }
        });
    }

    private void guarded(RoutingContext http, Runnable read) {
        boolean eventSource = isEventSource(http);
        if (eventSource && storedTurns.closesReaders()) {
            http.response().reset();
            return;
        }
        try {
            read.run();
        } catch (RuntimeException e) {
            if (!eventSource || !SqlErrors.isAway(e)) {
                throw e;
            }
            http.response().reset();
        }
    }

    private void find(String conversation, StreamPosition position, StreamTokenGuard.Admission admission,
            ApprovalBehavior otherwise,
            RoutingContext http, AsyncResponse reply) {
        JsonBody.checkId("id", conversation);
        stream(position, () -> readable(conversation, position), otherwise,
                ReaderKind.whoComesBack(position.event().map(EventId::number).orElse(0L)), admission::check, http, reply);
    }

    private Optional<Turn> readable(String conversation, StreamPosition position) {
        Optional<EventId> event = position.event();
        UUID named = position.turnId();
        return event.isEmpty() && named == null ? storedTurns.running(turns.tenant(), conversation)
                : storedTurns.readable(turns.tenant(), conversation, named, event.map(EventId::ordinal).orElse(null),
                        position.readTo());
    }

    /** Answers to approvals are recorded by then, and a message has to be the one that began its turn. */
    private Optional<Turn> readable(RepeatedPost post, String conversation) {
        if (post.command() == null) {
            return readable(conversation, post.position());
        }
        EventId event = post.position().event().orElseThrow();
        return storedTurns.readableAgain(post.command(), conversation, event.ordinal(), event.after());
    }

    private void stream(StreamPosition position, Supplier<Optional<Turn>> sought, ApprovalBehavior otherwise, ReaderKind reader,
            Consumer<Turn> admits, RoutingContext http, AsyncResponse reply) {
        Protocol protocol = protocols.named(position.wire());
        boolean usage = position.usage();
        ApprovalBehavior atApproval = position.atApproval(protocol, otherwise);
        Optional<Turn> readable = sought.get();
        if (readable.isEmpty()) {
            reply.resume(reader.nothing());
            return;
        }
        Turn turn = readable.get();
        admits.accept(turn);
        if (http.request().method() == HttpMethod.HEAD) {
            TurnStream.describe(http.response(), turn);
            http.response().end();
            return;
        }
        FrameWriter frames = protocol.frames(turn, usage);
        if (frames.dependsOnEarlierEvents() && position.readTo() > 0) {
            fold(frames, turn, position.readTo());
        }
        switch (atApproval) {
            case WAIT -> turns.stream(turn, frames, position.readTo(), position.frames(), http, reply, reader);
            case PAUSE -> turns.streamToPause(turn, frames, ReplayPosition.after(position.readTo(), turn, storedTurns),
                    position.frames(), http, reply, reader);
        }
    }

    /** Gives a writer the events whose frames the reader has already. */
    private void fold(FrameWriter frames, Turn turn, long last) {
        AtomicLong number = new AtomicLong();
        storedTurns.replay(turn, event -> {
            if (number.incrementAndGet() <= last) {
                frames.skip(event);
            }
        });
    }

    private static boolean isEventSource(RoutingContext http) {
        String accept = http.request().getHeader("accept");
        return accept != null && accept.contains("text/event-stream");
    }
}
