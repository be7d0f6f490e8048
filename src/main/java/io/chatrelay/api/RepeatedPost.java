package io.chatrelay.api;

import java.util.Optional;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.turn.SendCommand;
import io.chatrelay.turn.StoredTurns;

/**
 * A request that begins turns, posted again by a client that goes on after the last event that it has: {@code Last-Event-ID} on a POST.
 * Source: {@code fetch-event-source}, after a drop or a hidden tab.
 *
 * @param conversation that it names, or null
 * @param command      what it says; null where it answers approvals
 */
public record RepeatedPost(String conversation, SendCommand command, StreamPosition position, boolean leavingStops) {

    private static final String LAST = "Last-Event-ID";

    /** The conversation that it goes on in. */
    String conversationIn(StoredTurns storedTurns) {
        if (conversation != null) {
            return conversation;
        }
        return position.event().map(EventId::ordinal).flatMap(ordinal -> storedTurns.begunBy(command, ordinal))
                .orElseThrow(() -> Problems.invalid(LAST,
                        "names an event of a conversation, but the request names none, and began none"
                                + " of late: send conversationId, or " + ConversationHeader.NAME));
    }

    /**
     * Empty where the request is no such repeat.
     *
     * @param request the same request, as it would be sent
     * @param wire    of the path
     */
    public static Optional<RepeatedPost> of(ChatRequest request, boolean streams, String wire, String approvals,
            HttpHeaders http) {
        SendCommand command = request.command();
        return of(command.conversationId(), command, request.leavingStops(), streams, request.includeUsage(), wire, approvals,
                http);
    }

    /** The same of a request that answers approvals. */
    public static Optional<RepeatedPost> of(ApprovalAnswers answers, String wire, String approvals, HttpHeaders http) {
        return of(answers.command().conversationId(), null, answers.leavingStops(), answers.streaming(), false, wire,
                approvals, http);
    }

    private static Optional<RepeatedPost> of(String conversation, SendCommand command, boolean leavingStops, boolean streams,
            boolean usage, String wire, String approvals, HttpHeaders http) {
        String last = http.getHeaderString(LAST);
        if (last == null || last.isBlank()) {
            return Optional.empty();
        }
        if (!streams) {
            throw Problems.invalid(LAST, "asks for the rest of a stream, but this request asks for an answer in one piece");
        }
        return Optional.of(new RepeatedPost(conversation, command,
                new StreamPosition(last, null, null, wire, Boolean.toString(usage), approvals), leavingStops));
    }
}
