package io.chatrelay.dev;

import static io.chatrelay.dev.Step.send;
import static io.chatrelay.dev.Wire.event;
import static io.chatrelay.dev.Wire.quote;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.Step.ToolCall;

/** The AI SDK's UI message stream, as Inkeep's run API writes it: recordings 01, 07a, 30, 51 and, durable, 70a. */
sealed class AgentsDialect implements Dialect permits LegacyDialect {

    /** The two recorded agents; the second one has tools. */
    enum Persona {
        PLAIN("plain", "solo", "Plain", new Pace(100, 41, 58)),
        ASSISTANT("assistant", "main", "Assistant", new Pace(5, 30, 52));

        final String agentId;
        final String subAgent;
        final String model;
        final Pace pace;

        Persona(String agentId, String subAgent, String model, Pace pace) {
            this.agentId = agentId;
            this.subAgent = subAgent;
            this.model = model;
            this.pace = pace;
        }
    }

    static final String DONE = event("[DONE]");

    final boolean durable;
    final Persona persona;
    final boolean emitsOperations;
    private final List<String> words = new ArrayList<>();
    private String textId;

    AgentsDialect(String text, boolean durable, boolean emitsOperations) {
        this.persona = ToolKeyword.parse(text).isPresent() ? Persona.ASSISTANT : Persona.PLAIN;
        this.durable = durable;
        this.emitsOperations = emitsOperations;
    }

    @Override
    public Pace pace() {
        return persona.pace;
    }

    @Override
    public String ordinaryText(Turn turn) {
        return "Hello from the fake model. I saw " + turn.messages() + " user message(s); the last was \""
                + turn.text() + "\".";
    }

    @Override
    public Stream<Step> open() {
        if (durable) {
            return Stream.empty();
        }
        return Stream.of(
                send(event("{\"type\":\"start\",\"messageId\":\"" + Wire.messageId() + "\"}")),
                operation("{\"type\":\"agent_initializing\",\"details\":{\"sessionId\":\"chatds-"
                        + System.currentTimeMillis() + "\",\"agentId\":\"" + persona.agentId + "\"}}"));
    }

    @Override
    public Stream<Step> word(String word) {
        heard(word);
        String text = word.stripLeading();
        String space = word.substring(0, word.length() - text.length());
        return Step.sequence(openText(), Stream.of(space, text).filter(part -> !part.isEmpty()).map(this::delta)
                .map(Step::send), closeText());
    }

    final void heard(String word) {
        if (emitsOperations) {
            words.add(word);
        }
    }

    @Override
    public Stream<Step> openText() {
        return Stream.of(new Step.Send(() -> event("{\"type\":\"text-start\",\"id\":\"" + textId() + "\"}")));
    }

    @Override
    public String delta(String text) {
        return event("{\"type\":\"text-delta\",\"id\":\"" + textId() + "\",\"delta\":" + quote(text) + "}");
    }

    @Override
    public Stream<Step> closeText() {
        return Stream.of(new Step.Send(() -> event("{\"type\":\"text-end\",\"id\":\"" + textId() + "\"}")));
    }

    /** The AI SDK's parts for it; no recording has any. Opened and closed for every piece, as text is. */
    @Override
    public Stream<Step> thought(String piece) {
        return Stream.of("start\"", "delta\",\"delta\":" + quote(piece), "end\"")
                .map(part -> new Step.Send(() -> event("{\"type\":\"reasoning-" + part + ",\"id\":\"" + textId() + "\"}")));
    }

    // One id for all text parts of a run, made when the first one opens.
    private String textId() {
        if (textId == null) {
            textId = Wire.textId();
        }
        return textId;
    }

    Stream<Step> input(ToolCall call) {
        String id = "\"toolCallId\":\"" + call.id() + "\"";
        String name = ",\"toolName\":\"" + call.tool().wireName() + "\"";
        return Step.sequence(
                Stream.of(send(event("{\"type\":\"tool-input-start\"," + id + name + "}"))),
                call.tool().inputPieces.stream().map(piece -> send(event(
                        "{\"type\":\"tool-input-delta\"," + id + ",\"inputTextDelta\":" + quote(piece) + "}"))),
                Stream.of(send(event("{\"type\":\"tool-input-available\"," + id + name + ",\"input\":"
                        + call.tool().input() + "}"))));
    }

    /** The recorded request for approval names neither the tool nor its input. */
    Stream<Step> approvalRequest(ToolCall call) {
        return Stream.of(send(event("{\"type\":\"tool-approval-request\",\"approvalId\":\"aitxt-" + call.id()
                + "\",\"toolCallId\":\"" + call.id() + "\"}")));
    }

    Stream<Step> output(ToolCall call) {
        String id = "\"toolCallId\":\"" + call.id() + "\"";
        return Stream.of(send(event(call.tool().fails()
                ? "{\"type\":\"tool-output-error\"," + id + ",\"errorText\":" + quote(call.tool().said(call.id())) + "}"
                : "{\"type\":\"tool-output-available\"," + id + ",\"output\":" + call.tool().output(call.id()) + "}")));
    }

    /** The stream does not give the reason. */
    Stream<Step> denied(ToolCall call, String reason) {
        return Stream.of(send(event("{\"type\":\"tool-output-denied\",\"toolCallId\":\"" + call.id() + "\"}")));
    }

    /** What the model, and so the answer, hears of a tool's result. */
    String said(ToolCall call) {
        return call.tool().said(call.id());
    }

    /** What the model hears of a denial. */
    String saidDenied(String reason) {
        return quote("The user declined to run this tool." + (reason.isEmpty() ? "" : " Reason: " + reason));
    }

    @Override
    public Stream<Step> complete() {
        if (durable) {
            return Stream.empty();
        }
        return Step.sequence(
                // Drawn when the words have been said, hence through flatMap.
                Stream.of(words).filter(_ -> emitsOperations).filter(said -> !said.isEmpty())
                        .flatMap(_ -> Stream.of(new Step.Send(this::generated))),
                Stream.of(operation("{\"type\":\"completion\",\"details\":{\"agent\":\"" + persona.subAgent
                        + "\",\"iteration\":1}}")),
                done());
    }

    private String generated() {
        String parts = words.stream().map(word -> "{\"type\":\"text\",\"content\":" + quote(word) + "}")
                .collect(Collectors.joining(",", "[", "]"));
        return event("{\"type\":\"data-operation\",\"data\":{\"type\":\"agent_generate\",\"label\":\"Agent "
                + persona.subAgent + " generating response\",\"details\":{\"timestamp\":" + System.currentTimeMillis()
                + ",\"subAgentId\":\"" + persona.subAgent + "\",\"data\":{\"parts\":" + parts
                + ",\"generationType\":\"text_generation\"}}}}");
    }

    @Override
    public Stream<Step> fail() {
        return Step.sequence(
                Stream.of(error("Maximum error limit (3) reached", persona.subAgent),
                        error("Unable to process request", "system")),
                done());
    }

    private static Step error(String message, String agent) {
        return new Step.Send(() -> event("{\"type\":\"data-operation\",\"data\":{\"type\":\"error\",\"message\":\""
                + message + "\",\"agent\":\"" + agent + "\",\"severity\":\"error\",\"timestamp\":"
                + System.currentTimeMillis() + "}}"));
    }

    @Override
    public Stream<Step> failOtherwise() {
        return Step.sequence(
                Stream.of(send(event("{\"type\":\"error\",\"message\":\"The model gave up\",\"severity\":\"error\"}"))),
                done());
    }

    /** This API has no word for a filter: the run fails. */
    @Override
    public Stream<Step> filtered() {
        return fail();
    }

    Stream<Step> done() {
        return durable ? Stream.empty() : Stream.of(send(DONE));
    }

    static Step operation(String data) {
        return send(event("{\"type\":\"data-operation\",\"data\":" + data + "}"));
    }

    @Override
    public Reply problem(int status, String message) {
        return AgentsErrors.problem(status, message);
    }

    @Override
    public Reply contextTooLong() {
        return problem(400, "This model's maximum context length is exceeded: too many tokens");
    }

    @Override
    public String folder() {
        return "agents";
    }

    @Override
    public Optional<Answer> own(Turn turn) {
        return new AgentsScripts(this, turn).answer();
    }

    /** As recordings 03 and 56: the usage is always zero, and failure is a finish reason inside a 200. */
    @Override
    public String whole(List<String> events) {
        StringBuilder text = new StringBuilder();
        boolean completed = durable;
        for (String sent : events) {
            JsonNode event = Json.ofEvent(sent);
            if (event.path("type").asText().equals("text-delta")) {
                text.append(event.path("delta").asText());
            }
            completed |= event.path("data").path("type").asText().equals("completion");
        }
        long now = System.currentTimeMillis();
        return "{\"id\":\"chat-" + now + "\",\"object\":\"chat.completion\",\"created\":" + now / 1000 + ",\"model\":\""
                + persona.model + "\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                + quote(text.toString()) + "},\"finish_reason\":\"" + (completed ? "stop" : "error")
                + "\"}],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}";
    }
}
