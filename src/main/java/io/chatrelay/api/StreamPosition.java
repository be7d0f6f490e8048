package io.chatrelay.api;

import java.util.Optional;
import java.util.UUID;

import io.chatrelay.api.protocol.Protocol;

/**
 * Where a reader stands, as it said it.
 *
 * @param lastEventId the header, which wins: an {@code EventSource} sends it with the URL that it began with
 */
public record StreamPosition(String lastEventId, String after, String turn, String wire, String includeUsage,
        String approvals) {

    /** The event after which to go on; empty where the reader names none. */
    Optional<EventId> event() {
        if (lastEventId != null && !lastEventId.isEmpty()) {
            return Optional.of(EventId.of("Last-Event-ID", lastEventId));
        }
        return after == null ? Optional.empty() : Optional.of(EventId.of("after", after));
    }

    /** The same, held to what the reader may read. */
    StreamPosition within(StreamTokenGuard.Admission admission) {
        return new StreamPosition(lastEventId, after, admission.orNamed(turn), wire, includeUsage, approvals);
    }

    UUID turnId() {
        return turn == null ? null : turnId("turn", turn);
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
    ApprovalBehavior atApproval(Protocol protocol, ApprovalBehavior otherwise) {
        if (!protocol.pauses()) {
            ApprovalBehavior.refusePause(approvals);
            return ApprovalBehavior.WAIT;
        }
        return ApprovalBehavior.of(approvals, event().isEmpty() ? otherwise : ApprovalBehavior.WAIT);
    }

    /** The number of the last event that the reader has as a whole; 0 where it has none, or does not say. */
    long readTo() {
        return event().map(EventId::after).orElse(0L);
    }

    /** How many frames the reader has of the event after that. */
    int frames() {
        return event().map(EventId::frame).orElse(0);
    }

    /** @param field that holds it, for errors */
    static UUID turnId(String field, String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw Problems.invalid(field, "must be the id of a turn");
        }
    }
}
