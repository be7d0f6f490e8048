package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.RunApiMessages.LegacyDecision;
import io.chatrelay.inkeep.ServerVersionProbe.Generation;
import io.chatrelay.inkeep.UpstreamsConfig.ExecutionMode;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.upstream.Breaker;
import io.chatrelay.upstream.Deciders;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.chatrelay.upstream.UpstreamRun;
import io.vertx.core.buffer.Buffer;

/**
 * Inkeep Agents, through {@code POST …/api/chat}. It stores the conversation itself and reads only the last user message, so only that message
 * is sent, under this service's ids: two tenants that share one key never share a history, and a message that Inkeep has accepted before is a
 * 409. Old approval parts are never sent, because a single one turns the request into an answer.
 */
final class AgentsUpstream implements Upstream {

    private static final Set<String> TAKEN = Set.of("max_tokens", "headers", "runConfig", "userProperties", "properties",
            "tools",
            "user", "n");
    private static final Set<String> SENT = Set.of("max_tokens", "headers", "runConfig", "userProperties", "properties",
            "tools");

    private static final Duration CLASSIC_WINDOW = Duration.ofSeconds(240);
    private static final Duration DURABLE_WINDOW = Duration.ofMinutes(30);

    private final String name;
    private final UpstreamConfig config;
    private final AgentsRun.At at;
    private final PassedHeaders passed;
    private final Set<String> ignored;
    private final Breaker breaker;

    /**
     * @param client for streams
     * @param calls  for short answers
     */
    AgentsUpstream(String name, UpstreamConfig config, InkeepClient client, RunApiCalls calls) {
        this.name = name;
        this.config = config;
        this.passed = new PassedHeaders(config.headers());
        this.ignored = config.ignoredParameters().orElse(Set.of());
        this.breaker = Breakers.of(name, config.breaker());
        this.at = new AgentsRun.At(config, client, new ApprovalCalls(client, calls, config.approvalTimeout()),
                new ServerVersionProbe(configured(config),
                        () -> calls.call(RunApiCalls.PROBE, () -> true, (api, wanted) -> api
                                .decideLegacy(new GuardedRequest<>(LegacyDecision.EMPTY, Map.of(), wanted)))));
    }

    private static Generation configured(UpstreamConfig config) {
        return switch (config.approvals()) {
            // Only current servers support durable runs.
            case AUTO -> config.executionMode() == ExecutionMode.DURABLE ? Generation.CURRENT : Generation.UNKNOWN;
            case PARTS, EXECUTIONS -> Generation.CURRENT;
            case LEGACY -> Generation.LEGACY;
        };
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> models() {
        return config.models().orElse(List.of());
    }

    /** Its agent decides about the model: the name that the caller used. */
    @Override
    public String requestModel(String model) {
        return model != null && models().contains(model) ? model : name;
    }

    @Override
    public GenAi genAi() {
        return GenAiTerms.of("invoke_agent", name, config.url());
    }

    @Override
    public boolean remembers() {
        return true;
    }

    /** Its runs continue without a reader, and it has no call that stops a run. */
    @Override
    public boolean stopsWithReader() {
        return false;
    }

    @Override
    public Optional<Refusal> refuses(List<ChatMessage> asked, int askedAt, Map<String, RawJson> parameters) {
        return refusesMessages(asked, askedAt).or(() -> refusesParameters(parameters));
    }

    private Optional<Refusal> refusesMessages(List<ChatMessage> asked, int askedAt) {
        for (ChatMessage said : asked) {
            if (said.role() != Role.USER) {
                return Optional.of(new Refusal("messages",
                        "of the role '%s' cannot be given to the upstream '%s': Inkeep Agents reads the user's message alone"
                                .formatted(said.role().wireName(), name)));
            }
        }
        if (asked.size() > 1) {
            return Optional.of(new Refusal("messages",
                    "can hold one new user message for the upstream '%s': Inkeep Agents reads the last one alone"
                            .formatted(name)));
        }
        ChatMessage said = asked.getLast();
        if (said.name() != null) {
            return Optional.of(new Refusal("messages[%d].name".formatted(askedAt),
                    "cannot be given to the upstream '%s': Inkeep Agents knows one user".formatted(name)));
        }
        if (said.parts().stream().anyMatch(AgentsUpstream::asksForDetail)) {
            return Optional.of(new Refusal("messages[%d]".formatted(askedAt),
                    "holds an image with a detail, which cannot be given to the upstream '%s': Inkeep Agents has no such setting"
                            .formatted(name)));
        }
        return Optional.empty();
    }

    private static boolean asksForDetail(Part part) {
        return part instanceof Part.File file && file.detail() != null && !file.detail().equals("auto");
    }

    private Optional<Refusal> refusesParameters(Map<String, RawJson> parameters) {
        for (String parameter : parameters.keySet()) {
            if (!TAKEN.contains(parameter) && !ignored.contains(parameter)
                    && !NeutralParameters.isNeutral(parameter, parameters)) {
                return Optional.of(new Refusal(parameter,
                        ("cannot be given to the upstream '%1$s': Inkeep Agents has no such setting, its agent decides. Where a client"
                                + " cannot leave it out, chat-relay.upstreams.%1$s.ignored-parameters may name it")
                                .formatted(name)));
            }
        }
        RawJson tools = ignored.contains("tools") ? null : parameters.get("tools");
        if (tools != null && tools.text().contains("{")) {
            return Optional
                    .of(new Refusal("tools", "of the upstream '%s' are given by name, as an array of strings".formatted(name)));
        }
        return Optional.empty();
    }

    @Override
    public Approvals approvals() {
        boolean durable = at.durable();
        return new Approvals(config.approvalWindow().orElse(window(config.executionMode())), durable);
    }

    /** After this time a decision does harm at Inkeep. */
    static Duration window(ExecutionMode mode) {
        return mode == ExecutionMode.DURABLE ? DURABLE_WINDOW : CLASSIC_WINDOW;
    }

    @Override
    public Deciders deciders(String tool) {
        return config.decidersOf(tool);
    }

    @Override
    public Breaker breaker() {
        return breaker;
    }

    @Override
    public Map<String, String> passes(Map<String, String> headers) {
        return passed.of(headers);
    }

    @Override
    public UpstreamRun run(UpstreamRequest question) {
        return AgentsRun.of(at, question, new QuestionBody(Buffer.buffer(body(question).toString())),
                passed.of(question.headers()));
    }

    /** A durable run cannot be followed from its start, so its message is not sent again. */
    @Override
    public Optional<UpstreamRun> again(UpstreamRequest question) {
        return at.durable() || at.generations().known() == Generation.LEGACY ? Optional.empty()
                : Optional.of(AgentsRun.again(at, question, new QuestionBody(Buffer.buffer(body(question).toString())),
                        passed.of(question.headers())));
    }

    /**
     * A classic run of a current server is read again; only current servers send a run id. A durable run resumes only from where it waits:
     * while a decision may have been received and has no outcome, the rest of the run is in an answer that is lost.
     */
    @Override
    public Optional<UpstreamRun> resume(Turn turn, Map<String, String> headers, List<ChatEvent> stored, boolean told) {
        List<ChatEvent> said = stored.stream().filter(event -> !(event instanceof ApprovalDecided)).toList();
        if (said.isEmpty() || !(said.getFirst() instanceof Started(var id)) || id == null) {
            return Optional.empty();
        }
        if (at.durable()) {
            return told || PartBoundaries.resume(said).waiting().isEmpty() ? Optional.empty()
                    : Optional.of(AgentsRun.waiting(at, turn, passed.of(headers), said));
        }
        return at.generations().known() == Generation.LEGACY ? Optional.empty()
                : Optional.of(AgentsRun.following(at, turn, passed.of(headers), said));
    }

    private ObjectNode body(UpstreamRequest question) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ObjectNode message = body.putArray("messages").addObject();
        message.put("id", question.messageId().toString()).put("role", "user");
        List<Part> parts = question.asked().getLast().parts();
        if (parts.size() == 1 && parts.getFirst() instanceof Part.Text(var text)) {
            message.put("content", text);
        } else {
            message.putNull("content");
            parts.forEach(part -> part(part, message.withArray("/parts")));
        }
        body.put("conversationId", question.turn().conversation().toString()).put("stream", true);
        if (config.executionMode() == ExecutionMode.DURABLE) {
            body.put("executionMode", config.executionMode().name().toLowerCase(Locale.ROOT));
        }
        question.parameters().forEach((parameter, value) -> {
            if (SENT.contains(parameter) && !ignored.contains(parameter)) {
                body.putRawValue(parameter, new RawValue(value.text()));
            }
        });
        return body;
    }

    private static void part(Part part, ArrayNode into) {
        switch (part) {
            case Part.Text(var text) -> into.addObject().put("type", "text").put("text", text);
            case Part.File(var mediaType, var url, var filename, _) -> {
                if (mediaType.startsWith("image/")) {
                    into.addObject().put("type", "image").put("text", url);
                } else {
                    ObjectNode file = into.addObject().put("type", "file").put("url", url).put("mediaType", mediaType);
                    if (filename != null) {
                        file.put("filename", filename);
                    }
                }
            }
            case Part.Data(var type, var id, var data) -> {
                ObjectNode sent = into.addObject().put("type", type).putRawValue("data", new RawValue(data.text()));
                if (id != null) {
                    sent.put("id", id);
                }
            }
            case Part.ToolCall _,Part.ToolResult _,Part.Refusal _ -> throw new IllegalStateException("refused before");
        }
    }
}
