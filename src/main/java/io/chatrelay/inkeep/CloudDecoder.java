package io.chatrelay.inkeep;

import java.util.List;
import java.util.TreeMap;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.Failure;
import io.chatrelay.chat.FinishReason;
import io.chatrelay.chat.RawJson;
import io.chatrelay.chat.Usage;

/**
 * Inkeep Cloud's stream: {@code chat.completion.chunk} after OpenAI. Source: Inkeep Cloud's documentation, and OpenAI's API reference
 * that it claims.
 *
 * <p>It ends with the literal {@code [DONE]}: an end without it is a cut, whatever {@code finish_reason} said; with it, a
 * missing reason is only unknown. Arguments of calls come in pieces, and calls are whole when the reason comes.
 */
final class CloudDecoder implements AnswerDecoder {

    // A frame is one JSON value: what has something behind it is not what the protocol says.
    private static final ObjectMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final String TEXT = "content";

    private record Call(String id, String name, StringBuilder arguments) {
        Call(String id, String name) {
            this(id, name, new StringBuilder());
        }
    }

    private final Brackets brackets = new Brackets();
    private final TreeMap<Integer, Call> calls = new TreeMap<>();
    private String reason;
    private volatile Usage usage;
    private boolean over;

    /** As far as it was told, or null. */
    Usage usage() {
        return usage;
    }

    @Override
    public void decode(String data, List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (data.equals("[DONE]")) {
            done(out);
            return;
        }
        try {
            JsonNode chunk = JSON.readTree(data);
            if (!chunk.isObject()) {
                protocol(out);
            } else if (chunk.hasNonNull("error")) {
                error(chunk.get("error"), out);
            } else {
                chunk(chunk, out);
            }
        } catch (JsonProcessingException e) {
            protocol(out);
        }
    }

    private void chunk(JsonNode chunk, List<ChatEvent> out) {
        brackets.start(chunk.path("id").asText(null), out);
        JsonNode counted = chunk.path("usage");
        if (counted.isObject()) {
            usage = new Usage(counted.path("prompt_tokens").asLong(), counted.path("completion_tokens").asLong(),
                    counted.path("total_tokens").asLong());
        }
        JsonNode choice = chunk.path("choices").path(0);
        JsonNode delta = choice.has("delta") ? choice.get("delta") : choice.path("message");
        if (delta.path(TEXT).isTextual() && !delta.get(TEXT).asText().isEmpty()) {
            brackets.text(TEXT, delta.get(TEXT).asText(), out);
        }
        for (JsonNode call : delta.path("tool_calls")) {
            if (!call(call, out)) {
                protocol(out);
                return;
            }
        }
        delta.properties().forEach(member -> {
            boolean known = member.getKey().equals("role") || member.getKey().equals(TEXT)
                    || member.getKey().equals("tool_calls");
            if (!known && !member.getValue().isNull()) {
                brackets.data("data-inkeep-" + member.getKey().replace('_', '-'), null,
                        new RawJson(member.getValue().toString()),
                        out);
            }
        });
        if (choice.path("finish_reason").isTextual()) {
            reason = choice.get("finish_reason").asText();
            whole(out);
        }
    }

    /** False for a piece that belongs to no call: without an event of its own nothing would bound what is gathered. */
    private boolean call(JsonNode piece, List<ChatEvent> out) {
        int index = piece.path("index").asInt(calls.size());
        String name = piece.path("function").path("name").asText("");
        Call call = calls.get(index);
        if (call == null) {
            if (name.isEmpty()) {
                return false;
            }
            call = new Call(piece.path("id").asText("").isEmpty() ? "call-" + index : piece.get("id").asText(), name);
            calls.put(index, call);
            brackets.inputStarted(call.id, call.name, out);
        }
        String arguments = piece.path("function").path("arguments").asText("");
        if (!arguments.isEmpty()) {
            call.arguments.append(arguments);
            brackets.inputDelta(call.id, arguments, out);
        }
        return true;
    }

    private void whole(List<ChatEvent> out) {
        for (Call call : calls.values()) {
            brackets.called(call.id, call.name, input(call.arguments.toString()), out);
        }
    }

    private static RawJson input(String arguments) {
        return arguments.isBlank() ? RawJson.EMPTY_OBJECT : RawJson.of(arguments);
    }

    private void done(List<ChatEvent> out) {
        brackets.start(null, out);
        whole(out);
        end("error".equals(reason)
                ? Ended.failed(Failure.of(Failure.Code.UPSTREAM_ERROR,
                        "Inkeep ended its answer with an error; what came before is kept."))
                : Ended.completed(reason == null ? FinishReason.OTHER : FinishReason.of(reason), usage), out);
    }

    private void error(JsonNode error, List<ChatEvent> out) {
        String message = error.isTextual() ? error.asText() : error.path("message").asText("no reason given");
        boolean length = "context_length_exceeded".equals(error.path("code").asText());
        end(Ended.failed(Failure.of(length ? Failure.Code.CONTEXT_LENGTH_EXCEEDED : Failure.Code.UPSTREAM_ERROR,
                "Inkeep could not answer: " + Refusals.shortened(message))), out);
    }

    private void protocol(List<ChatEvent> out) {
        end(Ended.failed(Failure.of(Failure.Code.UPSTREAM_PROTOCOL,
                "Inkeep sent an event that is not what its protocol says; what came before is kept.")), out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        broken(out);
    }

    @Override
    public void broken(List<ChatEvent> out) {
        if (!over) {
            end(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT, "Inkeep's answer broke off; what came before is kept.")),
                    out);
        }
    }

    private void end(Ended ended, List<ChatEvent> out) {
        over = true;
        out.add(ended);
    }
}
