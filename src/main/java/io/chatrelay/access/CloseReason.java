package io.chatrelay.access;

import java.util.Locale;

/** Why a connection is closed from here, beside the end of its answer. The names are the metric's. */
enum CloseReason {
    /** The process has as many as it may. */
    TOO_MANY,
    /** The address has as many as it may. */
    TOO_MANY_OF_ADDRESS,
    /** It waited longest, and others came. */
    EVICTED,
    /** Its request's head did not come whole in time. */
    HEAD_TIMEOUT,
    /** Its request has too many headers. */
    TOO_MANY_HEADERS,
    /** It asked for nothing more. */
    IDLE;

    String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
