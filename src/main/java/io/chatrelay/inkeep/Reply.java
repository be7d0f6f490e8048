package io.chatrelay.inkeep;

import io.chatrelay.event.ChatEvent;
import io.smallrye.mutiny.Multi;

/** What came of one call. */
sealed interface Reply {

    /**
     * It was answered.
     *
     * @param type the content type, empty for none
     * @param body whole, or as far as it came
     */
    record Answered(int status, String type, String body) implements Reply {}

    /** The answer is a stream of events; it is closed if it is not subscribed to within seconds. */
    record Streams(Multi<ChatEvent> events) implements Reply {}

    /** It was not sent: nobody wanted it any more when its connection was there. */
    record Unsent() implements Reply {}

    /**
     * Nothing was heard: no connection, a broken one, or no time left. Whether the call was, nobody knows.
     *
     * @param why in words for whoever operates the service
     */
    record Lost(String why) implements Reply {}
}
