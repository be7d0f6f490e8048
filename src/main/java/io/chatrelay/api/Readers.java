package io.chatrelay.api;

import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.AsyncResponse;

import io.chatrelay.api.wire.AiSdkWire;
import io.chatrelay.api.wire.OpenAiWire;
import io.chatrelay.chat.Conversations;
import io.chatrelay.chat.Storage;
import io.chatrelay.chat.Turn;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;

/** Lets a reader take a turn up where it left it. */
@ApplicationScoped
class Readers {

    /**
     * Where a reader stands, as it said it.
     *
     * @param lastEventId the header, which wins: an {@code EventSource} sends it with the URL that it began with
     */
    record Position(String lastEventId, String after, String turn, String wire, String includeUsage, String approvals) {

        /** The event after which to go on; empty where the reader names none. */
        Optional<EventId> event() {
            if (lastEventId != null && !lastEventId.isEmpty()) {
                return Optional.of(EventId.of("Last-Event-ID", lastEventId));
            }
            return after == null ? Optional.empty() : Optional.of(EventId.of("after", after));
        }

        /** The same, held to what the reader may read. */
        Position within(StreamBearers.Admission admission) {
            return new Position(lastEventId, after, admission.orNamed(turn), wire, includeUsage, approvals);
        }

        UUID turnId() {
            return turn == null ? null : Readers.turnId("turn", turn);
        }

        /** Whether OpenAI's chunks are wanted, and not the AI SDK's parts. */
        boolean openAi() {
            return switch (wire == null ? "ai-sdk" : wire) {
                case "ai-sdk" -> false;
                case "openai" -> true;
                default -> throw Problems.invalid("wire", "must be ai-sdk or openai");
            };
        }

        /** Whether the usage is wanted as well: as in OpenAI's requests, a chunk without choices comes to nobody unasked. */
        boolean usage() {
            return switch (includeUsage == null ? "false" : includeUsage) {
                case "true" -> true;
                case "false" -> false;
                default -> throw Problems.invalid("include_usage", "must be true or false");
            };
        }

        /** @param otherwise for a reader that says neither this nor where it stands */
        AtApproval atApproval(AtApproval otherwise) {
            if (openAi()) {
                AtApproval.refusePause(approvals);
                return AtApproval.WAIT;
            }
            return AtApproval.of(approvals, event().isEmpty() ? otherwise : AtApproval.WAIT);
        }
    }

    private final Conversations conversations;
    private final Turns turns;
    private final StreamBearers bearers;

    Readers(Conversations conversations, Turns turns, StreamBearers bearers) {
        this.conversations = conversations;
        this.turns = turns;
        this.bearers = bearers;
    }

    /**
     * 204 says that there is nothing, or nothing more, to read: the only answer that stops an {@code EventSource}. One that comes while
     * the database is away, or this replica stops, is cut off, for a status would stop it for good.
     *
     * @param otherwise what is done at an approval for a reader that says neither this nor where it stands
     */
    void read(String conversation, Position position, AtApproval otherwise, RoutingContext http, AsyncResponse reply) {
        guarded(http, () -> {
            StreamBearers.Admission admission = bearers.admit(conversation);
            find(conversation, position.within(admission), admission, otherwise, http, reply);
        });
    }

    /**
     * A request that begins turns, posted again with the id of the last event that its client has: it reads on in that turn, and begins
     * none. A client that repeats by itself does so after its turn's end, too.
     */
    void readOn(RepeatedPost post, RoutingContext http, AsyncResponse reply) {
        guarded(http, () -> {
            String conversation = post.conversationIn(conversations);
            stream(post.position(), () -> readable(post, conversation), AtApproval.WAIT,
                    Reader.whoRepeats(conversation, post.leavingStops()), _ -> {}, http, reply);
        });
    }

    /**
     * The same for {@code useChat}, which asks for a chat that it has just made up, too: there is nothing to read in a conversation that
     * does not exist, or not for this caller.
     */
    void readIfAny(String conversation, Position position, AtApproval otherwise, RoutingContext http, AsyncResponse reply) {
        guarded(http, () -> {
            JsonBody.checkId("id", conversation);
            StreamBearers.Admission admission = bearers.admit(conversation);
            if (conversations.exists(turns.tenant(), conversation)) {
                find(conversation, position.within(admission), admission, otherwise, http, reply);
            } else {
                reply.resume(Reader.NOTHING);
            }
        });
    }

    private void guarded(RoutingContext http, Runnable read) {
        boolean eventSource = isEventSource(http);
        if (eventSource && conversations.closesReaders()) {
            http.response().reset();
            return;
        }
        try {
            read.run();
        } catch (RuntimeException e) {
            if (!eventSource || !Storage.isAway(e)) {
                throw e;
            }
            http.response().reset();
        }
    }

    private void find(String conversation, Position position, StreamBearers.Admission admission, AtApproval otherwise,
            RoutingContext http, AsyncResponse reply) {
        JsonBody.checkId("id", conversation);
        stream(position, () -> readable(conversation, position), otherwise,
                Reader.whoComesBack(position.event().map(EventId::number).orElse(0L)), admission::check, http, reply);
    }

    private Optional<Turn> readable(String conversation, Position position) {
        Optional<EventId> event = position.event();
        UUID named = position.turnId();
        return event.isEmpty() && named == null ? conversations.running(turns.tenant(), conversation)
                : conversations.readable(turns.tenant(), conversation, named, event.map(EventId::ordinal).orElse(null),
                        event.map(EventId::number).orElse(0L));
    }

    /** Answers to approvals are recorded by then, and a message has to be the one that began its turn. */
    private Optional<Turn> readable(RepeatedPost post, String conversation) {
        if (post.command() == null) {
            return readable(conversation, post.position());
        }
        EventId event = post.position().event().orElseThrow();
        return conversations.readableAgain(post.command(), conversation, event.ordinal(), event.number());
    }

    private void stream(Position position, Supplier<Optional<Turn>> sought, AtApproval otherwise, Reader reader,
            Consumer<Turn> admits, RoutingContext http, AsyncResponse reply) {
        long after = position.event().map(EventId::number).orElse(0L);
        boolean openAi = position.openAi();
        boolean usage = position.usage();
        AtApproval atApproval = position.atApproval(otherwise);
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
        switch (atApproval) {
            case WAIT -> turns.stream(turn, openAi ? new OpenAiWire(turn, usage) : new AiSdkWire(turn), after, http, reply,
                    reader);
            case PAUSE ->
                    turns.streamToPause(turn, Standing.after(after, turn, conversations), http, reply, reader);
        }
    }

    static UUID turnId(String field, String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw Problems.invalid(field, "must be the id of a turn");
        }
    }

    private static boolean isEventSource(RoutingContext http) {
        String accept = http.request().getHeader("accept");
        return accept != null && accept.contains("text/event-stream");
    }
}
