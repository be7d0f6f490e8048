package io.chatrelay.upstream;

import io.chatrelay.event.ChatEvent;
import io.smallrye.mutiny.Multi;

/** The result of the delivery of a decision to an upstream. No result proves that the upstream acted: only the call's outcome in the stream does. */
public sealed interface DeliveryResult {

    /** The upstream acknowledged the decision. It is not sent again. */
    record Acknowledged() implements DeliveryResult {}

    /**
     * The upstream accepted the decision, and its response is the rest of the turn: the events after the earlier ones, with an end like an answer.
     *
     * @param rest cold, to be subscribed to once
     */
    record Continued(Multi<ChatEvent> rest) implements DeliveryResult {}

    /** The upstream certainly did not accept the decision, and will not. */
    record Refused(String reason) implements DeliveryResult {}

    /** The decision was not sent, because it was no longer needed. */
    record Unsent() implements DeliveryResult {}

    /** It is unknown whether the upstream received the decision: the connection broke, the request timed out, or the upstream failed. */
    record Unknown(String reason) implements DeliveryResult {}
}
