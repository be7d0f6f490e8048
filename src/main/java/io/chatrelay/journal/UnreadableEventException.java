package io.chatrelay.journal;

import java.sql.SQLException;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * The stored events of a turn cannot be read past a certain event: the event is missing, or has a format that this version does not write. A
 * retry does not help.
 */
public final class UnreadableEventException extends SQLException {

    /** Class 22, data exception. Source: PostgreSQL, appendix A. */
    private static final String DATA_EXCEPTION = "22000";

    UnreadableEventException(UUID turn, long number, @Nullable Throwable cause) {
        super("event %d of turn %s cannot be read".formatted(number, turn), DATA_EXCEPTION, cause);
    }
}
