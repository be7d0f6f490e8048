package io.chatrelay.api;

import java.util.Optional;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.turn.SendCommand;
import io.chatrelay.turn.StoredTurns;

/**
 * A request that begins turns, posted again by a client that resumes after the last event that it has: {@code Last-Event-ID} on a POST.
 * Source: {@code fetch-event-source}, after a lost connection or a hidden tab.
 *
 * @param conversation the conversation that the request names, or null
 * @param command      the command of the request; null if the request contains decisions
 */
public record RepeatedPost(String conversation, SendCommand command, StreamPosition position, boolean leavingStops) {

    private static final String LAST = "Last-Event-ID";

    /** The conversation in which it resumes. */
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
     * Empty if the request is not such a repeat.
     *
     * @param request the same request, as it would be sent
     * @param wire    the protocol of the path
     */
    public static Optional<RepeatedPost> of(ChatRequest request, boolean streams, String wire, String approvals,
            HttpHeaders http) {
        SendCommand command = request.command();
        return of(command.conversationId(), command, request.leavingStops(), streams, request.includeUsage(), wire, approvals,
                http);
    }

    /** The same for a request that contains decisions. */
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
