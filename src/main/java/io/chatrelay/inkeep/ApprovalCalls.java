package io.chatrelay.inkeep;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Turn;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;

/**
 * Delivers decisions to Agents, in each of its three ways. Source: its run API as recorded. Its reports of success are not trusted, because it
 * also reports success for a call that does not exist. An answer only determines whether the decision may be delivered again.
 */
final class ApprovalCalls {

    private static final ObjectMapper JSON = new ObjectMapper(BoundedJson.FACTORY);
    private static final ObjectWriter ASCII = JSON.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII);
    private static final Set<Integer> REFUSALS = Set.of(400, 401, 403, 404, 409, 422);
    /** An approved tool may run for a long time before the head of the answer arrives; a turn's silence time-out is shorter. */
    private static final Duration TOOL_RUNS = Duration.ofMinutes(30);

    private final InkeepClient client;
    private final Duration timeout;

    ApprovalCalls(InkeepClient client, Duration timeout) {
        this.client = client;
        this.timeout = timeout;
    }

    /**
     * A decision to deliver.
     *
     * @param headers sent with it
     * @param wanted  checked immediately before it is sent
     */
    record DecisionCall(Turn turn, Map<String, String> headers, Decision decision, BooleanSupplier wanted) {}

    /** Sends a message with the decision as its part; the answer is JSON. */
    Uni<DeliveryResult> parts(DecisionCall said) {
        return client.call("/api/chat", message(said), said.headers(), timeout, said.wanted()).map(ApprovalCalls::delivery);
    }

    /** The same for a durable run; the answer is the rest of the run. */
    Uni<DeliveryResult> parts(DecisionCall said, Supplier<AnswerDecoder> rest) {
        return client.call(said.turn(), "/api/chat", message(said), said.headers(), timeout, TOOL_RUNS, said.wanted(), rest)
                .map(ApprovalCalls::delivery);
    }

    /** @param isGone the result if the server does not know the route */
    Uni<DeliveryResult> legacy(DecisionCall said, Supplier<DeliveryResult> isGone) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("conversationId", said.turn().conversation().toString()).put("toolCallId", said.decision().callId());
        return client.call("/api/tool-approvals", write(body, body, said.decision()), said.headers(), timeout, said.wanted())
                .map(reply -> reply instanceof CallResult.Answered(var status, var type, _) && status == 404
                        && type.startsWith("text/plain") ? isGone.get() : delivery(reply));
    }

    /** @param rest the rest of the run, to be read after the decision was delivered */
    Uni<DeliveryResult> executions(String runId, DecisionCall said, Supplier<Multi<ChatEvent>> rest) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        return client.call("%s/approvals/%s".formatted(execution(runId), segment(said.decision().callId())),
                write(body, body, said.decision()), said.headers(), timeout, said.wanted())
                .map(ApprovalCalls::delivery)
                .map(delivery -> delivery instanceof DeliveryResult.Acknowledged ? new DeliveryResult.Continued(rest.get())
                        : delivery);
    }

    /** The call for which a durable run of the conversation waits, or empty; any one if there are several. Fails if Inkeep does not report it. */
    Uni<Optional<String>> pending(Turn turn) {
        return client.get("/v1/conversations/%s/pending-approvals".formatted(turn.conversation()), timeout).map(reply -> {
            if (reply instanceof CallResult.Answered(var status, _, var body) && status == 200) {
                try {
                    JsonNode said = JSON.readTree(body);
                    if (said.path("hasPending").isBoolean()) {
                        return said.path("hasPending").asBoolean() ? Optional.of(said.at("/approval/toolCallId").asText())
                                : Optional.empty();
                    }
                } catch (JsonProcessingException e) {
                    // Handled like any other unusable answer.
                }
            }
            throw new IllegalStateException("no answer");
        });
    }

    /** The path of a durable run. Source: {@code executions.ts} of inkeep/agents; its {@code /stream} sends the whole run. */
    static String execution(String runId) {
        return "/api/executions/" + segment(runId);
    }

    private static Buffer message(DecisionCall said) {
        Decision decision = said.decision();
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("conversationId", said.turn().conversation().toString());
        ObjectNode message = body.putArray("messages").addObject().put("role", "assistant").putNull("content");
        ObjectNode part = message.withArray("/parts").addObject().put("type", "tool-" + decision.toolName())
                .put("toolCallId", decision.callId()).put("state", "approval-responded");
        return write(body, part.putObject("approval").put("id", decision.approvalId()), decision);
    }

    /** Writes the body with the decision in its place. An upstream's id is sent back as received, even with half a surrogate pair. */
    private static Buffer write(ObjectNode body, ObjectNode place, Decision decision) {
        place.put("approved", decision.approved());
        if (decision.reason() != null) {
            place.put("reason", decision.reason());
        }
        try {
            return Buffer.buffer(ASCII.writeValueAsString(body));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree is always written", e);
        }
    }

    /** Ids come from the upstream, and must not lead to another path. */
    private static String segment(String id) {
        return URLEncoder.encode(id, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static DeliveryResult delivery(CallResult reply) {
        return switch (reply) {
            case CallResult.Unsent() -> new DeliveryResult.Unsent();
            case CallResult.Lost(var why) -> new DeliveryResult.Unknown("Inkeep did not answer: " + why);
            case CallResult.Streams(var events) -> new DeliveryResult.Continued(events);
            case CallResult.Answered(var status, _, var body) -> {
                if (REFUSALS.contains(status)) {
                    yield refused(status, body);
                }
                yield status / 100 == 2 ? taken(status, body) : new DeliveryResult.Unknown("Inkeep answered " + status);
            }
        };
    }

    private static DeliveryResult taken(int status, String body) {
        if (body.isBlank()) {
            return new DeliveryResult.Acknowledged();
        }
        try {
            JsonNode answer = JSON.readTree(body);
            if (!answer.isObject()) {
                return new DeliveryResult.Unknown("Inkeep's answer could not be read");
            }
            // The answer can report an error for a call and still report success.
            boolean failed = answer.path("results").findValue("error") != null;
            return answer.path("success").asBoolean(true) && !failed ? new DeliveryResult.Acknowledged()
                    : refused(status, body);
        } catch (JsonProcessingException e) {
            return new DeliveryResult.Unknown("Inkeep's answer could not be read");
        }
    }

    private static DeliveryResult refused(int status, String body) {
        String said = ErrorResponses.said(body);
        return new DeliveryResult.Refused(
                "Inkeep answered %d%s".formatted(status, said.isEmpty() ? "" : ": " + ErrorResponses.shortened(said)));
    }
}
