package io.chatrelay.dev;

import static io.chatrelay.dev.Wire.quote;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

import io.chatrelay.dev.Step.ToolCall;

/**
 * The stream of release 0.37.2: no {@code start}, a word in one delta, and tools shown only to a caller that sends
 * {@code x-emit-operations}, as operations: recordings 01, 20a, 30 and 34 in {@code legacy/}. What a denied and a
 * failed call look like was read in its source, agents-run-api/src/agents/Agent.ts of inkeep/agents.
 */
final class LegacyDialect extends AgentsDialect {

    private static final Pace PLAIN = new Pace(318, 51, 56);
    private static final Pace ASSISTANT = new Pace(53, 51, 7);

    private final String conversationId;
    private final Map<Tool, String> relationships = new EnumMap<>(Tool.class);
    private final Map<String, Long> calledAt = new HashMap<>();

    LegacyDialect(String text, String conversationId, boolean emitsOperations) {
        super(text, false, emitsOperations);
        this.conversationId = conversationId;
    }

    @Override
    public Pace pace() {
        return persona == Persona.PLAIN ? PLAIN : ASSISTANT;
    }

    @Override
    public Stream<Step> open() {
        return super.open().skip(1);
    }

    @Override
    public Stream<Step> word(String word) {
        heard(word);
        return Step.sequence(openText(), Stream.of(Step.send(delta(word))), closeText());
    }

    @Override
    Stream<Step> input(ToolCall call) {
        return shown(() -> {
            calledAt.put(call.id(), System.currentTimeMillis());
            return record("tool_call", "Tool call: " + call.tool().wireName(), name(call) + ",\"input\":"
                    + call.tool().input() + id(call) + relationship(call) + (call.tool().needsApproval
                            ? ",\"needsApproval\":true,\"conversationId\":" + quote(conversationId)
                            : ""));
        });
    }

    @Override
    Stream<Step> approvalRequest(ToolCall call) {
        return Stream.empty();
    }

    @Override
    Stream<Step> output(ToolCall call) {
        return call.tool().fails()
                ? result(call, "failed", "null", ",\"error\":" + quote(call.tool().said(call.id())))
                : result(call, "completed", said(call), "");
    }

    /** It counts as completed, and its output is a sentence. */
    @Override
    Stream<Step> denied(ToolCall call, String reason) {
        return result(call, "completed", saidDenied(reason), "");
    }

    private Stream<Step> result(ToolCall call, String status, String output, String error) {
        return shown(() -> record("tool_result", "Tool result: " + call.tool().wireName() + " (" + status + ")",
                name(call) + ",\"output\":" + output + id(call) + ",\"duration\":"
                        + (System.currentTimeMillis() - calledAt.get(call.id())) + error + relationship(call)
                        + ",\"needsApproval\":" + call.tool().needsApproval));
    }

    @Override
    String said(ToolCall call) {
        return call.tool().fails() ? super.said(call)
                : "{\"result\":" + call.tool().legacyResult + id(call) + "}";
    }

    @Override
    String saidDenied(String reason) {
        return quote("User denied approval to run this tool: " + (reason.isEmpty() ? "User denied approval" : reason));
    }

    @Override
    public String folder() {
        return "legacy";
    }

    private Stream<Step> shown(Supplier<String> event) {
        return emitsOperations ? Stream.of(new Step.Send(event)) : Stream.empty();
    }

    private String record(String type, String label, String data) {
        return Wire.event("{\"type\":\"data-operation\",\"data\":{\"type\":\"" + type + "\",\"label\":" + quote(label)
                + ",\"details\":{\"timestamp\":" + System.currentTimeMillis() + ",\"subAgentId\":\"" + persona.subAgent
                + "\",\"data\":{" + data + "}}}}");
    }

    private static String name(ToolCall call) {
        return "\"toolName\":\"" + call.tool().wireName() + "\"";
    }

    private static String id(ToolCall call) {
        return ",\"toolCallId\":\"" + call.id() + "\"";
    }

    private String relationship(ToolCall call) {
        return ",\"relationshipId\":\"" + relationships.computeIfAbsent(call.tool(), _ -> Wire.messageId()) + "\"";
    }
}
