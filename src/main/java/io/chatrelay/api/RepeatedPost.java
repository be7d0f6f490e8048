package io.chatrelay.api;

import java.util.Optional;

import jakarta.ws.rs.core.HttpHeaders;

/**
 * A request that begins turns, posted again by a client that goes on after the last event that it has: {@code Last-Event-ID} on a POST.
 * Source: {@code fetch-event-source}, after a drop or a hidden tab.
 */
record RepeatedPost(String conversation, Readers.Position position, boolean leavingStops) {

    private static final String LAST = "Last-Event-ID";

    /**
     * Empty where the request is no such repeat.
     *
     * @param request the same request, as it would be sent
     * @param wire    of the path
     */
    static Optional<RepeatedPost> of(ChatRequest request, boolean streams, String wire, String approvals, HttpHeaders http) {
        return of(request.command().conversationId(), request.leavingStops(), streams, request.includeUsage(), wire, approvals,
                http);
    }

    /** The same of a request that answers approvals. */
    static Optional<RepeatedPost> of(ApprovalAnswers answers, String approvals, HttpHeaders http) {
        return of(answers.command().conversationId(), answers.leavingStops(), answers.streaming(), false, "ai-sdk", approvals,
                http);
    }

    private static Optional<RepeatedPost> of(String conversation, boolean leavingStops, boolean streams, boolean usage,
            String wire,
            String approvals, HttpHeaders http) {
        String last = http.getHeaderString(LAST);
        if (last == null || last.isBlank()) {
            return Optional.empty();
        }
        if (!streams) {
            throw Problems.invalid(LAST, "asks for the rest of a stream, but this request asks for an answer in one piece");
        }
        if (conversation == null) {
            throw Problems.invalid(LAST, "names an event of a conversation, but the request names none:"
                    + " send conversationId, or " + ConversationHeader.NAME);
        }
        return Optional.of(new RepeatedPost(conversation,
                new Readers.Position(last, null, null, wire, Boolean.toString(usage), approvals), leavingStops));
    }
}
