package io.chatrelay.inkeep;

import io.chatrelay.event.ChatEvent;
import io.smallrye.mutiny.Multi;

/** The result of one call. */
sealed interface CallResult {

    /**
     * The call was answered.
     *
     * @param type the content type, empty if there is none
     * @param body complete, or as far as it was received
     */
    record Answered(int status, String type, String body) implements CallResult {}

    /** The answer is a stream of events; it is closed if it is not subscribed to within seconds. */
    record Streams(Multi<ChatEvent> events) implements CallResult {}

    /** The call was not sent: it was no longer needed when its connection was established. */
    record Unsent() implements CallResult {}

    /**
     * No answer arrived: no connection, a broken connection, or a time-out. It is unknown whether the server received the call.
     *
     * @param why a description for operators
     */
    record Lost(String why) implements CallResult {}
}
