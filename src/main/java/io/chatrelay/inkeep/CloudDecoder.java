package io.chatrelay.inkeep;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Usage;

/**
 * Inkeep Cloud's stream: {@code chat.completion.chunk} as in OpenAI's API. Source: Inkeep Cloud's documentation, and OpenAI's API reference
 * that it claims to follow.
 *
 * <p>The stream ends with the literal {@code [DONE]}: an end without it is a cut, whatever {@code finish_reason} contained; with it, a missing
 * reason only means unknown. Arguments of calls arrive in pieces, and calls are complete at the end.
 *
 * <p>Everything received is decoded, or passed on as data, or fails the turn with a message that describes it: no turn completes with less
 * content than the upstream sent.
 */
final class CloudDecoder implements AnswerDecoder {

    /** What was received violates the protocol. */
    private static final class Unreadable extends Exception {
        private static final long serialVersionUID = 1;

        Unreadable(String what) {
            super(what, null, false, false);
        }
    }

    // A frame is one JSON value; anything after it violates the protocol. Numbers are passed on unchanged.
    private static final ObjectMapper JSON = JsonMapper.builder(BoundedJson.FACTORY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS, DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES).build();
    private static final String TEXT = "content";
    private static final Set<String> OF_CHUNK = Set.of("id", "object", "created", "model", "choices", "usage");
    private static final Set<String> OF_CHOICE = Set.of("index", "delta", "message", "finish_reason");
    private static final Set<String> OF_DELTA = Set.of("role", TEXT, "tool_calls", "function_call", "reasoning_content",
            "reasoning", "refusal");

    private final PartBoundaries brackets = new PartBoundaries();
    private final ToolCallAssembler calls = new ToolCallAssembler(brackets);
    private final Map<String, JsonNode> told = new HashMap<>();
    private final WholeMessage message = new WholeMessage();
    private boolean chosen;
    private String reason;
    private volatile Usage usage;
    private boolean over;

    /** As far as it was reported, or null. */
    Usage usage() {
        return usage;
    }

    @Override
    public void decode(String event, String data, List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (data.equals("[DONE]")) {
            done(out);
            return;
        }
        try {
            JsonNode frame = JSON.readTree(data);
            if (frame.hasNonNull("error")) {
                error(frame.get("error"), out);
            } else if ("error".equals(event)) {
                error(frame, out);
            } else {
                chunk(frame, out);
            }
        } catch (StreamConstraintsException e) {
            protocol("JSON of too many values, or nested too deeply", out);
        } catch (JsonProcessingException e) {
            if ("error".equals(event)) {
                failed(Failure.Code.UPSTREAM_ERROR, "The {upstream} could not answer: " + ErrorResponses.shortened(data), out);
            } else {
                protocol("text that is no JSON", out);
            }
        } catch (Unreadable e) {
            protocol(e.getMessage(), out);
        }
    }

    private void chunk(JsonNode chunk, List<ChatEvent> out) throws Unreadable {
        if (!chunk.path("choices").isArray() && !chunk.path("usage").isObject()) {
            throw new Unreadable(described(chunk));
        }
        brackets.start(chunk.path("id").asText(null), out);
        if (chunk.path("usage").isObject()) {
            usage = usage((ObjectNode) chunk.get("usage"));
        }
        for (JsonNode choice : chunk.path("choices")) {
            choice(choice, out);
        }
        // Usually the same in each chunk, and then emitted once.
        for (Map.Entry<String, JsonNode> member : chunk.properties()) {
            boolean isUnknown = !OF_CHUNK.contains(member.getKey()) && !member.getValue().isNull()
                    || member.getKey().equals("usage") && !member.getValue().isObject()
                            && !BoundedJson.isEmpty(member.getValue());
            if (isUnknown && !member.getValue().equals(told.put(member.getKey(), member.getValue()))) {
                carry(member.getKey(), member.getValue(), out);
            }
        }
    }

    /** Describes a value that is not a chunk: its error message if it has one, otherwise its structure. */
    private static String described(JsonNode node) {
        String said = ErrorResponses.said(node.toString());
        if (!said.isEmpty()) {
            return ErrorResponses.shortened(said);
        }
        return node.isObject() ? "an object with " + String.join(", ", names(node)) : "a value that is no object";
    }

    private static List<String> names(JsonNode object) {
        return object.properties().stream().map(member -> ErrorResponses.shortened(SurrogateJoiner.of(member.getKey())))
                .limit(10).toList();
    }

    /** A total that is missing or 0 is the sum of the others. */
    private static Usage usage(ObjectNode counted) {
        long prompt = counted.path("prompt_tokens").asLong();
        long completion = counted.path("completion_tokens").asLong();
        long told = counted.path("total_tokens").asLong();
        long total = told == 0 ? prompt + completion : told;
        ObjectNode whole = counted.deepCopy();
        whole.put("prompt_tokens", prompt).put("completion_tokens", completion).put("total_tokens", total);
        // The object is omitted if it contains only these three counts.
        return new Usage(prompt, completion, total, whole.size() > 3 ? raw(whole) : null);
    }

    private void choice(JsonNode choice, List<ChatEvent> out) throws Unreadable {
        if (!choice.isObject()) {
            throw new Unreadable("a choice that is no object");
        }
        if (choice.path("index").asInt(0) != 0) {
            // Only one answer was requested.
            carry("choice", choice, out);
            return;
        }
        chosen = true;
        JsonNode delta = checked(choice, "delta");
        message.told(delta);
        say(delta, out);
        message.instead(checked(choice, "message")).ifPresent(earlier -> carry("message", earlier, out));
        carryOthers(choice, OF_CHOICE, out);
        finishReason(choice.path("finish_reason"));
    }

    private void say(JsonNode delta, List<ChatEvent> out) throws Unreadable {
        reasoning(delta, out);
        content(delta.path(TEXT), out);
        calls.take(delta.path("tool_calls"), out).ifPresent(rest -> carry("tool-calls", rest, out));
        calls.takeOnly(delta.path("function_call"), out).ifPresent(rest -> carry("function-call", rest, out));
        refusal(delta.path("refusal"), out);
        carryOthers(delta, OF_DELTA, out);
    }

    /** Emits what the message contains and no delta did, and the message itself if it contradicts the deltas. */
    private void sayMessage(List<ChatEvent> out) {
        WholeMessage.Rest rest = message.rest(calls.size());
        JsonNode other = rest.other();
        try {
            say(rest.untold(), out);
        } catch (Unreadable e) {
            other = rest.untold();
        }
        if (other != null) {
            carry("message", other, out);
        }
    }

    /** The member, which must be an object or absent. */
    private static JsonNode checked(JsonNode choice, String member) throws Unreadable {
        if (choice.hasNonNull(member) && !choice.get(member).isObject()) {
            throw new Unreadable("a %s that is no object".formatted(member));
        }
        return choice.path(member);
    }

    private void refusal(JsonNode refusal, List<ChatEvent> out) {
        if (refusal.isTextual()) {
            if (!refusal.asText().isEmpty()) {
                brackets.data(new Data(Data.REFUSAL, null, RawJson.string(SurrogateJoiner.of(refusal.asText()))), out);
            }
        } else if (!refusal.isMissingNode() && !refusal.isNull()) {
            carry("refusal", refusal, out);
        }
    }

    /** Some servers send the same text under both names. */
    private void reasoning(JsonNode delta, List<ChatEvent> out) {
        String told = null;
        for (String member : new String[]{ "reasoning_content", "reasoning" }) {
            JsonNode said = delta.path(member);
            if (BoundedJson.isEmpty(said) || said.isTextual() && said.asText().equals(told)) {
                continue;
            }
            if (said.isTextual() && told == null) {
                told = said.asText();
                brackets.reasoning(member, told, out);
            } else {
                carry(member, said, out);
            }
        }
    }

    private void content(JsonNode content, List<ChatEvent> out) throws Unreadable {
        if (content.isTextual()) {
            text(content.asText(), out);
        } else if (content.isArray()) {
            for (JsonNode part : content) {
                if (part.path("text").isTextual() && Set.of("text", "output_text", "").contains(part.path("type").asText(""))) {
                    text(part.get("text").asText(), out);
                } else if (part.isTextual()) {
                    text(part.asText(), out);
                } else {
                    carry(TEXT, part, out);
                }
            }
        } else if (!content.isMissingNode() && !content.isNull()) {
            throw new Unreadable("a content that is neither a text nor parts");
        }
    }

    private void text(String text, List<ChatEvent> out) {
        if (!text.isEmpty()) {
            brackets.text(TEXT, text, out);
        }
    }

    private void carryOthers(JsonNode node, Set<String> known, List<ChatEvent> out) {
        node.properties().forEach(member -> {
            if (!known.contains(member.getKey()) && !member.getValue().isNull()) {
                carry(member.getKey(), member.getValue(), out);
            }
        });
    }

    private void carry(String member, JsonNode value, List<ChatEvent> out) {
        brackets.data(new Data("data-inkeep-" + SurrogateJoiner.of(member).replace('_', '-'), null, raw(value)), out);
    }

    private static RawJson raw(JsonNode value) {
        return SurrogateJoiner.of(new RawJson(value.toString()));
    }

    private void finishReason(JsonNode given) throws Unreadable {
        if (given.isTextual()) {
            // Some servers send an empty one with every chunk.
            reason = given.asText().isBlank() ? reason : given.asText().strip();
        } else if (!given.isMissingNode() && !given.isNull()) {
            throw new Unreadable("a finish_reason that is no text");
        }
    }

    private void done(List<ChatEvent> out) {
        if (!chosen) {
            failed(Failure.Code.UPSTREAM_PROTOCOL, "The {upstream} ended its answer without having said anything.", out);
            return;
        }
        brackets.start(null, out);
        sayMessage(out);
        FinishReasonMapping word = FinishReasonMapping.of(reason);
        if (word.failed()) {
            // Its calls may be the failure: a caller that receives one as complete would run it.
            failed(Failure.Code.UPSTREAM_ERROR,
                    "The {upstream} ended its answer as '%s'; what came before is kept."
                            .formatted(ErrorResponses.shortened(reason)),
                    out);
            return;
        }
        if (word.reason() == FinishReason.TOOL_CALLS && calls.size() == 0) {
            // The caller would wait for calls to run.
            failed(Failure.Code.UPSTREAM_PROTOCOL,
                    "The {upstream} ended its answer as '%s' and sent no call that can be read; what came before is kept."
                            .formatted(ErrorResponses.shortened(reason)),
                    out);
            return;
        }
        calls.whole(out);
        brackets.flush(out);
        if (reason != null && word.reason() == FinishReason.OTHER) {
            brackets.data(new Data("data-inkeep-finish-reason", null, RawJson.string(SurrogateJoiner.of(reason))), out);
        }
        end(Ended.completed(word.reason(), usage), out);
    }

    private void error(JsonNode error, List<ChatEvent> out) {
        String message = error.isTextual() ? error.asText() : ErrorResponses.said(error.toString());
        boolean length = "context_length_exceeded".equals(error.path("code").asText());
        failed(length ? Failure.Code.CONTEXT_LENGTH_EXCEEDED : Failure.Code.UPSTREAM_ERROR,
                "The {upstream} could not answer: "
                        + (message.isEmpty() ? "no reason given" : ErrorResponses.shortened(message)),
                out);
    }

    private void protocol(String what, List<ChatEvent> out) {
        failed(Failure.Code.UPSTREAM_PROTOCOL,
                "The {upstream} sent what is no part of an answer: %s; what came before is kept.".formatted(what), out);
    }

    private void failed(Failure.Code code, String message, List<ChatEvent> out) {
        end(Ended.failed(Failure.of(code, message)), out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        broken(out);
    }

    @Override
    public void broken(List<ChatEvent> out) {
        if (!over) {
            end(Ended.failed(
                    Failure.of(Failure.Code.UPSTREAM_CUT, "The {upstream} broke off its answer; what came before is kept.")),
                    out);
        }
    }

    private void end(Ended ended, List<ChatEvent> out) {
        over = true;
        // Also for an answer that broke off.
        sayMessage(out);
        brackets.flush(out);
        out.add(ended);
    }
}
