package io.chatrelay.api;

import java.util.List;
import java.util.UUID;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** A page of a list; {@code nextCursor} is absent on the last one. */
@RegisterForReflection
public record Page<T>(List<T> data, String nextCursor) {

    static final int MOST = 100;
    private static final int USUAL = 20;

    /** The number of entries that a caller requests. */
    static int limit(String limit) {
        if (limit == null) {
            return USUAL;
        }
        if (limit.matches("[0-9]{1,3}") && Integer.parseInt(limit) >= 1 && Integer.parseInt(limit) <= MOST) {
            return Integer.parseInt(limit);
        }
        throw Problems.invalid("limit", "must be a whole number from 1 to %d".formatted(MOST));
    }

    /** A cursor that is an id, or null. */
    static UUID idCursor(String cursor) {
        try {
            return cursor == null ? null : UUID.fromString(cursor);
        } catch (IllegalArgumentException e) {
            throw Problems.invalid("cursor", "must be the nextCursor of the page before");
        }
    }

    /**
     * A cursor that is a position, for both orders.
     *
     * @param otherwise the value if there is no cursor
     */
    static int placeCursor(String cursor, int otherwise) {
        if (cursor == null) {
            return otherwise;
        }
        if (cursor.matches("[0-9]{1,9}")) {
            return Integer.parseInt(cursor);
        }
        throw Problems.invalid("cursor", "must be the nextCursor of the page before");
    }
}
