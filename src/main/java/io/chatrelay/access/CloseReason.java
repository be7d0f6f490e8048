package io.chatrelay.access;

import java.util.Locale;

/** Why this service closes a connection, other than the end of its answer. The names are the metric's tags. */
enum CloseReason {
    /** The process has reached its limit of connections. */
    TOO_MANY,
    /** The address has reached its limit of connections. */
    TOO_MANY_OF_ADDRESS,
    /** It waited longest when new connections arrived. */
    EVICTED,
    /** The head of its request did not arrive completely in time. */
    HEAD_TIMEOUT,
    /** Its request has too many headers. */
    TOO_MANY_HEADERS,
    /** It sent no further request. */
    IDLE;

    String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
