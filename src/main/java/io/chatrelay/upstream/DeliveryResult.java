package io.chatrelay.upstream;

import io.chatrelay.event.ChatEvent;
import io.smallrye.mutiny.Multi;

/** What became of telling an upstream a decision. None of it proves that the upstream acted: the call's outcome in the stream does. */
public sealed interface DeliveryResult {

    /** The upstream said that it took it. It is not told again. */
    record Acknowledged() implements DeliveryResult {}

    /**
     * It took it, and its answer is the rest of the turn: the events after those that came before, ended like an answer.
     *
     * @param rest cold, to be subscribed to once
     */
    record Continued(Multi<ChatEvent> rest) implements DeliveryResult {}

    /** It certainly did not take it, and will not. */
    record Refused(String reason) implements DeliveryResult {}

    /** It was not sent: nobody wanted it any more. */
    record Unsent() implements DeliveryResult {}

    /** Nobody knows whether it was heard: the connection broke, time ran out, or the upstream failed. */
    record Unknown(String reason) implements DeliveryResult {}
}
