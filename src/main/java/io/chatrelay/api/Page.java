package io.chatrelay.api;

import java.util.List;
import java.util.UUID;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** A page of a list; {@code nextCursor} is absent on the last one. */
@RegisterForReflection
public record Page<T>(List<T> data, String nextCursor) {

    static final int MOST = 100;
    private static final int USUAL = 20;

    /** @param limit the number of entries that a caller requests, as {@link Rules#LIMIT}, or null */
    static int limit(String limit) {
        return limit == null ? USUAL : Integer.parseInt(limit);
    }

    /** A cursor that is an id, or null. */
    static UUID idCursor(String cursor) {
        try {
            return cursor == null ? null : UUID.fromString(cursor);
        } catch (IllegalArgumentException e) {
            throw Problems.invalid("cursor", Rules.CURSOR_REASON);
        }
    }

    /**
     * A cursor that is a position, for both orders.
     *
     * @param cursor    as {@link Rules#PLACE}, or null
     * @param otherwise the value if there is no cursor
     */
    static int placeCursor(String cursor, int otherwise) {
        return cursor == null ? otherwise : Integer.parseInt(cursor);
    }
}
