package io.chatrelay.upstream;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;

/** The port to one configured upstream. Its adapters are the only ones who know how that one speaks. */
public interface Upstream {

    /**
     * How it waits for approvals.
     *
     * @param window from the request for approval: a decision that arrives later does harm, and is never sent
     * @param ends   whether its answer ends at an approval, and goes on as the answer to the decision: one at a time then
     */
    record Approvals(Duration window, boolean ends) {}

    /** The name under which it is configured, and which callers may give as {@code model}. */
    String name();

    /** The further models that callers may name; empty where the key decides. */
    List<String> models();

    /** Whether it keeps the conversation itself and is told only what is new. */
    boolean remembers();

    /** Whether a run stops when its connection is closed; if not, a turn that is cancelled here may still be running there. */
    boolean stopsWithReader();

    Approvals approvals();

    /**
     * What of a request it cannot take: the field's path and why. Asked before anything is stored.
     *
     * @param asked      the messages that would be sent
     * @param askedAt    the place of the first of them in the request
     * @param parameters request fields by name
     */
    Optional<Refusal> refuses(List<UpstreamRequest.ChatMessage> asked, int askedAt, Map<String, RawJson> parameters);

    /** Of a request's HTTP headers, by lower-case name, those that go up. */
    Map<String, String> passes(Map<String, String> headers);

    /** A new run. Nothing is sent before its answer is subscribed to. */
    UpstreamRun run(UpstreamRequest question);

    /**
     * The run of a turn whose process is gone, where nothing of its answer is stored. The message goes up again under its own id; where
     * that shows that the upstream had accepted it, its run is followed from its start, and if that cannot be proven to be this turn's,
     * the answer ends as {@link Outcome#INTERRUPTED}.
     *
     * @return empty for an upstream that would answer the same message twice
     */
    Optional<UpstreamRun> again(UpstreamRequest question);

    /**
     * The run of a turn whose process is gone, to be followed further after the events that are stored. Its answer emits only what
     * comes after them, and ends as {@link Outcome#INTERRUPTED} once it shows that it is not the same run. No earlier run of the
     * conversation may still be speaking.
     *
     * @param headers that went up with the question
     * @param stored  all of the turn's stored events that came from the upstream, in order
     * @param told    whether a decision may have reached the upstream whose outcome is not among those events
     * @return empty where no run of this upstream can be proven to be the same
     */
    Optional<UpstreamRun> resume(Turn turn, Map<String, String> headers, List<ChatEvent> stored, boolean told);

    /** A request field that cannot be honoured. */
    record Refusal(String field, String reason) {}
}
