package io.chatrelay.inkeep;

import io.chatrelay.event.ChatEvent;
import io.smallrye.mutiny.Multi;

/**
 * The result of one call.
 *
 * @param <T> the answer of a successful call
 */
sealed interface CallResult<T> {

    /**
     * A status 2xx.
     *
     * @param answer null if the body is empty
     */
    record Accepted<T>(int status, T answer) implements CallResult<T> {}

    /** A status 2xx whose body is not the expected JSON, or too large. */
    record Unreadable<T>() implements CallResult<T> {}

    /**
     * Any other status.
     *
     * @param type the content type, empty if there is none
     * @param body empty if it is too large
     */
    record Rejected<T>(int status, String type, String body) implements CallResult<T> {}

    /** The answer is a stream of events; it is closed if it is not subscribed to within seconds. */
    record Streams<T>(Multi<ChatEvent> events) implements CallResult<T> {}

    /** The call was not sent: it was no longer needed when its connection was established. */
    record Unsent<T>() implements CallResult<T> {}

    /**
     * No answer arrived: no connection, a broken connection, or a time-out. It is unknown whether the server received the call.
     *
     * @param why a description for operators
     */
    record Lost<T>(String why) implements CallResult<T> {}
}
