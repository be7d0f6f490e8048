package io.chatrelay.inkeep;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.upstream.Breaker;
import io.chatrelay.upstream.Deciders;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.chatrelay.upstream.UpstreamRun;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;

/** Inkeep Cloud, through {@code POST …/chat/completions}. It has no memory: every request contains the conversation. */
final class CloudUpstream implements Upstream {

    /** The model if neither the caller nor the configuration names one. Source: Inkeep Cloud's documentation. */
    private static final String DEFAULT_MODEL = "inkeep-qa-expert";

    private static final Set<String> TAKEN = Set.of("max_tokens", "temperature", "top_p", "n", "presence_penalty",
            "frequency_penalty", "logit_bias", "user", "tools", "tool_choice", "response_format");

    private final String name;
    private final List<String> models;
    private final boolean usage;
    private final URI url;
    private final InkeepClient client;
    private final PassedHeaders passed;
    private final Set<String> ignored;
    private final Breaker breaker;

    CloudUpstream(String name, UpstreamConfig config, InkeepClient client) {
        this.name = name;
        this.models = config.models().orElse(List.of(DEFAULT_MODEL));
        this.usage = config.usage();
        this.url = config.url();
        this.client = client;
        this.passed = new PassedHeaders(config.headers());
        this.ignored = config.ignoredParameters().orElse(Set.of());
        this.breaker = Breakers.of(name, config.breaker());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> models() {
        return models;
    }

    @Override
    public String requestModel(String model) {
        return model != null && models.contains(model) ? model : models.getFirst();
    }

    @Override
    public GenAi genAi() {
        return GenAiTerms.of("chat", null, url);
    }

    @Override
    public boolean remembers() {
        return false;
    }

    @Override
    public boolean stopsWithReader() {
        return true;
    }

    @Override
    public Optional<Refusal> refuses(List<ChatMessage> asked, int askedAt, Map<String, RawJson> parameters) {
        for (String parameter : parameters.keySet()) {
            if (!TAKEN.contains(parameter) && !ignored.contains(parameter)
                    && !NeutralParameters.isNeutral(parameter, parameters)) {
                return Optional.of(new Refusal(parameter,
                        ("cannot be given to the upstream '%1$s': Inkeep Cloud has no such setting. Where a client cannot leave it out,"
                                + " chat-relay.upstreams.%1$s.ignored-parameters may name it").formatted(name)));
            }
        }
        for (ChatMessage said : asked) {
            for (Part part : said.parts()) {
                boolean image = part instanceof Part.File file && file.mediaType().startsWith("image/");
                if (part instanceof Part.Data || part instanceof Part.File && !image) {
                    return Optional.of(new Refusal("messages",
                            "for the upstream '%s' may hold text and images: Inkeep Cloud takes nothing else".formatted(name)));
                }
            }
        }
        return Optional.empty();
    }

    @Override
    public Approvals approvals() {
        return new Approvals(Duration.ZERO, false);
    }

    @Override
    public Deciders deciders(String tool) {
        // It runs no tools, so it asks for no approval.
        return Deciders.ANYONE;
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
        // Keeps only these parts of the question: the messages are in the body, and large.
        Turn turn = question.turn();
        QuestionBody body = new QuestionBody(Buffer.buffer(body(question).toString()));
        Map<String, String> headers = passed.of(question.headers());
        return new UpstreamRun() {
            private volatile CloudDecoder decoder;

            @Override
            public Multi<ChatEvent> answer() {
                return client.post(turn, "/chat/completions", body, headers, Resend.NEVER, _ -> decoder = new CloudDecoder());
            }

            /** Its model stops when the connection closes. */
            @Override
            public boolean outlivesReaders() {
                return false;
            }

            @Override
            public Usage usage() {
                CloudDecoder reading = decoder;
                return reading == null ? null : reading.usage();
            }

            @Override
            public Uni<DeliveryResult> deliver(Decision decision, BooleanSupplier wanted) {
                return Uni.createFrom().item(new DeliveryResult.Refused("Inkeep Cloud has no approvals"));
            }

            @Override
            public boolean isProven() {
                return true;
            }
        };
    }

    @Override
    public Optional<UpstreamRun> again(UpstreamRequest question) {
        return Optional.empty();
    }

    @Override
    public Optional<UpstreamRun> resume(Turn turn, Map<String, String> headers, List<ChatEvent> stored, boolean told) {
        return Optional.empty();
    }

    private ObjectNode body(UpstreamRequest question) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.put("model", requestModel(question.turn().model())).put("stream", true);
        if (usage) {
            // Requested even if the caller does not need it: other callers may ask for it, now or later.
            body.putObject("stream_options").put("include_usage", true);
        }
        CloudMessages.write(Stream.concat(question.history().stream(), question.asked().stream()).toList(),
                body.putArray("messages"));
        question.parameters().forEach((parameter, value) -> {
            if (sends(parameter, question.parameters())) {
                body.putRawValue(parameter, new RawValue(value.text()));
            }
        });
        return body;
    }

    /** OpenAI's API rejects an empty list of tools, or a tool choice without tools. */
    private boolean sends(String parameter, Map<String, RawJson> parameters) {
        return TAKEN.contains(parameter) && !ignored.contains(parameter) && (!NeutralParameters.isNeutral(parameter, parameters)
                || NeutralParameters.isNumber(parameter, parameters.get(parameter).text()));
    }
}
