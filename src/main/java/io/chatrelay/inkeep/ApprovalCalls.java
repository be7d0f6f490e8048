package io.chatrelay.inkeep;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.RunApiMessages.DecisionAnswer;
import io.chatrelay.inkeep.RunApiMessages.DecisionMessage;
import io.chatrelay.inkeep.RunApiMessages.ExecutionDecision;
import io.chatrelay.inkeep.RunApiMessages.LegacyDecision;
import io.chatrelay.inkeep.RunApiMessages.PendingApprovals;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;

/**
 * Delivers decisions to Agents, in each of its three ways. Source: its run API as recorded. Its reports of success are not trusted, because it
 * also reports success for a call that does not exist. An answer only determines whether the decision may be delivered again.
 */
final class ApprovalCalls {

    private static final Set<Integer> REFUSALS = Set.of(400, 401, 403, 404, 409, 422);
    /** An approved tool may run for a long time before the head of the answer arrives; a turn's silence time-out is shorter. */
    private static final Duration TOOL_RUNS = Duration.ofMinutes(30);

    private final InkeepClient client;
    private final RunApiCalls calls;
    private final Duration timeout;

    /**
     * @param client for the one call whose answer is a stream
     * @param calls  for all others
     */
    ApprovalCalls(InkeepClient client, RunApiCalls calls, Duration timeout) {
        this.client = client;
        this.calls = calls;
        this.timeout = timeout;
    }

    /**
     * A decision to deliver.
     *
     * @param headers sent with it
     * @param wanted  checked immediately before it is sent
     */
    record DecisionCall(Turn turn, Map<String, String> headers, Decision decision, BooleanSupplier wanted) {

        private <B extends RunApiMessages.Body> GuardedRequest<B> guarded(B body, BooleanSupplier stillWanted) {
            return new GuardedRequest<>(body, TraceHeaders.with(headers, turn), stillWanted);
        }
    }

    /** Sends a message with the decision as its part; the answer is JSON. */
    Uni<DeliveryResult> parts(DecisionCall said) {
        return calls.call(timeout, said.wanted(), (api, wanted) -> api.decide(said.guarded(message(said), wanted)))
                .map(ApprovalCalls::delivery);
    }

    /** The same for a durable run; the answer is the rest of the run. */
    Uni<DeliveryResult> parts(DecisionCall said, Supplier<AnswerDecoder> rest) {
        return client.call(said.turn(), "/api/chat", RunApiCalls.json(message(said)), said.headers(), timeout, TOOL_RUNS,
                said.wanted(), rest).map(ApprovalCalls::delivery);
    }

    /** @param isGone the result if the server does not know the route */
    Uni<DeliveryResult> legacy(DecisionCall said, Supplier<DeliveryResult> isGone) {
        Decision decision = said.decision();
        LegacyDecision body = new LegacyDecision(said.turn().conversation().toString(), decision.callId(), decision.approved(),
                decision.reason());
        return calls.call(timeout, said.wanted(), (api, wanted) -> api.decideLegacy(said.guarded(body, wanted)))
                .map(reply -> reply instanceof CallResult.Rejected<DecisionAnswer>(var status, var type, _) && status == 404
                        && type.startsWith("text/plain") ? isGone.get() : delivery(reply));
    }

    /** @param rest the rest of the run, to be read after the decision was delivered */
    Uni<DeliveryResult> executions(String runId, DecisionCall said, Supplier<Multi<ChatEvent>> rest) {
        ExecutionDecision body = new ExecutionDecision(said.decision().approved(), said.decision().reason());
        return calls.call(timeout, said.wanted(),
                (api, wanted) -> api.decideExecution(runId, said.decision().callId(), said.guarded(body, wanted)))
                .map(ApprovalCalls::delivery)
                .map(delivery -> delivery instanceof DeliveryResult.Acknowledged ? new DeliveryResult.Continued(rest.get())
                        : delivery);
    }

    /** The call for which a durable run of the conversation waits, or empty; any one if there are several. Fails if Inkeep does not report it. */
    Uni<Optional<String>> pending(Turn turn) {
        return calls.call(timeout, () -> true, (api, _) -> api.pendingApprovals(turn.conversation().toString(),
                TraceHeaders.parent(turn), TraceHeaders.state(turn))).map(reply -> {
                    if (reply instanceof CallResult.Accepted<PendingApprovals>(_, var said) && said != null
                            && said.hasPending() != null) {
                        return said.hasPending() ? Optional.of(said.toolCallId()) : Optional.empty();
                    }
                    throw new IllegalStateException("no answer");
                });
    }

    /** The path of a durable run. Source: {@code executions.ts} of inkeep/agents; its {@code /stream} sends the whole run. */
    static String execution(String runId) {
        return "/api/executions/" + segment(runId);
    }

    private static DecisionMessage message(DecisionCall said) {
        Decision decision = said.decision();
        return DecisionMessage.of(said.turn().conversation().toString(), decision.toolName(), decision.callId(),
                new DecisionMessage.Approval(decision.approvalId(), decision.approved(), decision.reason()));
    }

    /** Ids come from the upstream, and must not lead to another path. */
    private static String segment(String id) {
        return URLEncoder.encode(id, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static DeliveryResult delivery(CallResult<DecisionAnswer> reply) {
        return switch (reply) {
            case CallResult.Unsent<DecisionAnswer>() -> new DeliveryResult.Unsent();
            case CallResult.Lost<DecisionAnswer>(var why) -> new DeliveryResult.Unknown("Inkeep did not answer: " + why);
            case CallResult.Streams<DecisionAnswer>(var events) -> new DeliveryResult.Continued(events);
            case CallResult.Unreadable<DecisionAnswer>() -> new DeliveryResult.Unknown("Inkeep's answer could not be read");
            case CallResult.Accepted<DecisionAnswer>(var status, var answer) -> answer == null || answer.isSuccess()
                    ? new DeliveryResult.Acknowledged()
                    : refused(status, answer.said());
            case CallResult.Rejected<DecisionAnswer>(var status, _, var body) -> REFUSALS.contains(status)
                    ? refused(status, ErrorResponses.said(body))
                    : new DeliveryResult.Unknown("Inkeep answered " + status);
        };
    }

    private static DeliveryResult refused(int status, String said) {
        return new DeliveryResult.Refused(
                "Inkeep answered %d%s".formatted(status, said.isEmpty() ? "" : ": " + ErrorResponses.shortened(said)));
    }
}
