package io.chatrelay.api;

import java.util.Optional;
import java.util.UUID;

import io.chatrelay.api.protocol.Protocol;

/**
 * A reader's position, as the request states it.
 *
 * @param lastEventId the header, which takes precedence: an {@code EventSource} sends it with the URL of its first request
 */
public record StreamPosition(String lastEventId, String after, String turn, String wire, String includeUsage,
        String approvals) {

    /** The event after which the stream continues; empty if the reader names none. */
    Optional<EventId> event() {
        if (lastEventId != null && !lastEventId.isEmpty()) {
            return Optional.of(EventId.of("Last-Event-ID", lastEventId));
        }
        return after == null ? Optional.empty() : Optional.of(EventId.of("after", after));
    }

    /** The same position, restricted to what the reader may read. */
    StreamPosition within(StreamTokenGuard.Admission admission) {
        return new StreamPosition(lastEventId, after, admission.orNamed(turn), wire, includeUsage, approvals);
    }

    UUID turnId() {
        return turn == null ? null : turnId("turn", turn);
    }

    /** Whether the reader requests the usage: as in OpenAI's requests, a chunk without choices is sent only on request. */
    boolean usage() {
        return switch (includeUsage == null ? "false" : includeUsage) {
            case "true" -> true;
            case "false" -> false;
            default -> throw Problems.invalid("include_usage", "must be true or false");
        };
    }

    /** @param otherwise the value for a reader that states neither this nor its position */
    ApprovalBehavior atApproval(Protocol protocol, ApprovalBehavior otherwise) {
        if (!protocol.pauses()) {
            ApprovalBehavior.refusePause(approvals);
            return ApprovalBehavior.WAIT;
        }
        return ApprovalBehavior.of(approvals, event().isEmpty() ? otherwise : ApprovalBehavior.WAIT);
    }

    /** The number of the last event that the reader has completely; 0 if it has none, or names none. */
    long readTo() {
        return event().map(EventId::after).orElse(0L);
    }

    /** How many frames of the next event the reader has. */
    int frames() {
        return event().map(EventId::frame).orElse(0);
    }

    /** @param field the field that contains it, for errors */
    static UUID turnId(String field, String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw Problems.invalid(field, "must be the id of a turn");
        }
    }
}
