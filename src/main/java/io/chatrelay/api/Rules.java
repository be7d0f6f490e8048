package io.chatrelay.api;

/**
 * What a parameter of a path or a query has to look like, for the constraints of resource methods, and how an error says it.
 * {@link ViolationMapper} makes the error. The API's description has the patterns, too, so they are anchored. A parameter whose text becomes a value,
 * such as an id as cursor or the position of a stream, is checked where the value is made: the stream's only after its token is known to be good, and
 * {@code Last-Event-ID} before {@code after}.
 */
final class Rules {

    static final String ID = "^[A-Za-z0-9_-]{1,128}$";
    static final String ID_REASON = "must be 1 to 128 of the characters A-Z a-z 0-9 _ -";
    /** 1 to 100. */
    static final String LIMIT = "^(0{0,2}[1-9]|0?[1-9][0-9]|100)$";
    static final String LIMIT_REASON = "must be a whole number from 1 to " + Page.MOST;
    static final String PLACE = "^[0-9]{1,9}$";
    static final String CURSOR_REASON = "must be the nextCursor of the page before";

    private Rules() {}
}
