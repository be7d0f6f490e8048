package io.chatrelay.journal;

import java.sql.SQLException;
import java.util.UUID;

/** What is stored of a turn cannot be read beyond some event: it is not there, or is not what this version writes. No later try helps. */
public final class UnreadableEventException extends SQLException {

    /** Class 22, data exception. Source: PostgreSQL, appendix A. */
    private static final String DATA_EXCEPTION = "22000";

    UnreadableEventException(UUID turn, long number, Throwable cause) {
        super("event %d of turn %s cannot be read".formatted(number, turn), DATA_EXCEPTION, cause);
    }
}
