package io.chatrelay.upstream;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;

/** The port to one configured upstream. Only its adapter knows the upstream's protocol. */
public interface Upstream {

    /**
     * How the upstream waits for approvals.
     *
     * @param window from the request for approval: a later decision does harm, and is never sent
     * @param ends   whether the answer ends at an approval and continues as the response to the decision; then decisions are sent one at a time
     */
    record Approvals(Duration window, boolean ends) {}

    /**
     * What a turn is at the upstream, in the terms of OpenTelemetry's semantic conventions for GenAI.
     *
     * @param operation {@code gen_ai.operation.name}
     * @param provider  {@code gen_ai.provider.name}
     * @param agent     {@code gen_ai.agent.name}, or null if it is a model that is asked
     * @param host      {@code server.address}
     * @param port      {@code server.port}
     */
    record GenAi(String operation, String provider, @Nullable String agent, String host, int port) {}

    /** The configured name, which callers may also send as {@code model}. */
    String name();

    /** Further models that callers may name; empty if the key determines the model. */
    List<String> models();

    /**
     * The model that is requested for a caller who asks for this one: one of the configured names.
     *
     * @param model any name, or null
     */
    String requestModel(@Nullable String model);

    GenAi genAi();

    /** Whether the upstream stores the conversation itself and receives only new messages. */
    boolean remembers();

    /** Whether a run stops when its connection is closed; if not, a cancelled turn may still run at the upstream. */
    boolean stopsWithReader();

    Approvals approvals();

    /**
     * Who may decide an approval.
     *
     * @param tool the name of the tool that is to be called
     */
    Deciders deciders(String tool);

    /** Refuses new turns while the upstream fails or is slow. Decisions, and runs that are followed, do not ask it. */
    Breaker breaker();

    /**
     * The part of a request that the upstream cannot accept: the field's path and the reason. Called before anything is stored.
     *
     * @param asked      the messages that would be sent
     * @param askedAt    the position of the first of them in the request
     * @param parameters request fields by name
     */
    Optional<Refusal> refuses(List<UpstreamRequest.ChatMessage> asked, int askedAt, Map<String, RawJson> parameters);

    /** The request's HTTP headers that are forwarded to the upstream, by lower-case name. */
    Map<String, String> passes(Map<String, String> headers);

    /** A new run. It sends nothing before its answer is subscribed to. */
    UpstreamRun run(UpstreamRequest question);

    /**
     * The run of a turn whose process is gone, if no event of its answer is stored. The message is sent again under its own id. If the response shows
     * that the upstream had accepted it, the run is followed from its start; if that run cannot be proven to be this turn's, the answer ends as
     * {@link Outcome#INTERRUPTED}.
     *
     * @return empty for an upstream that would answer the same message twice
     */
    Optional<UpstreamRun> again(UpstreamRequest question);

    /**
     * The run of a turn whose process is gone, resumed after the stored events. Its answer emits only later events, and ends as
     * {@link Outcome#INTERRUPTED} once it shows that it is not the same run. No earlier run of the conversation may still be active.
     *
     * @param headers that were sent with the question
     * @param stored  all of the turn's stored events that the upstream sent, in order
     * @param told    whether a decision may have reached the upstream whose outcome is not among those events
     * @return empty if no run of this upstream can be proven to be the same
     */
    Optional<UpstreamRun> resume(Turn turn, Map<String, String> headers, List<ChatEvent> stored, boolean told);

    /** A request field that the upstream cannot apply. */
    record Refusal(String field, String reason) {}
}
