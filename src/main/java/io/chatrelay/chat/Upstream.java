package io.chatrelay.chat;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.smallrye.mutiny.Multi;

/** The port to one configured Inkeep. Its adapters are the only ones who know how that one speaks. */
public interface Upstream {

    /** The name under which it is configured, and which callers may give as {@code model}. */
    String name();

    /** The further models that callers may name; empty where the key decides. */
    List<String> models();

    /** Whether it keeps the conversation itself and is told only what is new. */
    boolean remembers();

    /**
     * What of a request it cannot take: the field's path and why. Asked before anything is stored.
     *
     * @param asked      the messages that would be sent
     * @param parameters request fields by name
     */
    Optional<Refusal> refuses(List<Question.Said> asked, Map<String, RawJson> parameters);

    /**
     * The answer. Nothing is sent before it is subscribed to, and nothing is read beyond what is requested. The last item
     * is always an {@link ChatEvent.Ended}, alone where Inkeep refused; what goes wrong is an event, never a failure of the
     * {@code Multi}. Cancelling closes the connection.
     */
    Multi<ChatEvent> answer(Question question);

    /** A request field that cannot be honoured. */
    record Refusal(String field, String reason) {}
}
