package io.chatrelay.api.openai;

import java.util.Map;
import java.util.function.Consumer;

import io.chatrelay.api.protocol.Completion;
import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.UiPart;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ReasoningDelta;
import io.chatrelay.event.ChatEvent.ReasoningEnded;
import io.chatrelay.event.ChatEvent.ReasoningStarted;
import io.chatrelay.event.ChatEvent.SidePart;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEvent.Unknown;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;

/**
 * OpenAI's chunks. Source: {@code chat.completion.chunk} of OpenAI's API reference. Data without a field in that format is in
 * {@code chat_relay}, beside {@code choices}, never in {@code content}. Every chunk has one choice, with an empty delta if the chunk adds
 * nothing to it, because the loop of every quick start reads {@code choices[0]}. Only the usage chunk, sent on request, has no choice.
 *
 * <p>A turn that did not complete ends with an {@code error} object, without {@code [DONE]}, and with a broken connection: OpenAI's SDKs
 * throw for the error object, other clients for the connection. The protocol itself adds the usage chunk and {@code [DONE]} after the last
 * numbered frame.
 */
public final class OpenAiFrameWriter implements FrameWriter {

    private final Turn turn;
    private final boolean usage;
    private final String head;

    /** @param usage whether the caller requested it with {@code stream_options.include_usage} */
    public OpenAiFrameWriter(Turn turn, boolean usage) {
        this.turn = turn;
        this.usage = usage;
        this.head = "{\"id\":\"chatcmpl-" + turn.id() + "\",\"object\":\"chat.completion.chunk\",\"created\":"
                + turn.startedAt().getEpochSecond() + ",\"model\":";
    }

    @Override
    public Map<String, String> headers() {
        return Map.of();
    }

    @Override
    public boolean opensWithComment() {
        // For every comment, Quarkus LangChain4j logs an uncaught error with its stack trace.
        return false;
    }

    @Override
    public boolean breaksAfter(Ended end) {
        // LangChain4j ignores the error object, and treats a clean close as the end of a complete answer.
        return end.outcome() != Outcome.COMPLETED;
    }

    @Override
    public void write(long number, ChatEvent event, JsonWriter out) {
        switch (event) {
            case Started _ -> {
                delta(number, out, "\"role\":\"assistant\",\"content\":\"\"").ascii("},\"finish_reason\":null}]");
                relay(out).ascii("}}");
                FrameWriter.close(out);
            }
            case TextDelta(_, var text) -> {
                delta(number, out, "\"content\":").string(text).ascii("},\"finish_reason\":null}]}");
                FrameWriter.close(out);
            }
            case ReasoningDelta(_, var text) -> {
                delta(number, out, "\"reasoning_content\":").string(text).ascii("},\"finish_reason\":null}]}");
                FrameWriter.close(out);
            }
            case ToolCalled called when called.callerRuns() -> {
                delta(number, out, "\"tool_calls\":[{\"index\":").number(called.call().number()).ascii(",\"id\":")
                        .string(called.callId()).ascii(",\"type\":\"function\",\"function\":{\"name\":")
                        .string(called.toolName())
                        .ascii(",\"arguments\":").string(called.input().text()).ascii("}}]},\"finish_reason\":null}]}");
                FrameWriter.close(out);
            }
            case ApprovalDecided decided -> part(number, out, part -> UiPart.write(part, decided.shown()));
            case Data data when data.type().equals(Data.REFUSAL) -> {
                delta(number, out, "\"refusal\":").raw(data.data()).ascii("},\"finish_reason\":null}]}");
                FrameWriter.close(out);
            }
            // This includes the calls that the upstream runs: a framework that received one as a tool call would run it again.
            case SidePart side -> part(number, out, part -> UiPart.write(part, side));
            case Ended ended -> end(number, out, ended);
            case StepStarted _,StepFinished _,TextStarted _,TextEnded _,ReasoningStarted _,ReasoningEnded _,ToolInputStarted _,ToolInputDelta _,Unknown _ -> {
                // OpenAI has no events for begin and end, and arguments are sent once, when they are complete.
            }
        }
    }

    private void end(long number, JsonWriter out, Ended ended) {
        switch (ended.outcome()) {
            case COMPLETED -> {
                delta(number, out, "").ascii("},\"finish_reason\":\"").ascii(Completion.finishReason(ended.finishReason()))
                        .ascii("\"}]}");
                FrameWriter.close(out);
                if (usage && ended.usage() != null) {
                    chunk(out.ascii("data: ")).ascii(",\"choices\":[],\"usage\":");
                    Completion.usage(out, ended.usage());
                    FrameWriter.close(out.ascii('}'));
                }
                out.ascii("data: [DONE]\n\n");
            }
            case FAILED, INTERRUPTED -> error(number, out, ended.failure().message(), ended.outcome().wireName(),
                    ended.failure().name());
            case CANCELLED -> error(number, out, "The turn was cancelled.", "cancelled", "turn_cancelled");
        }
    }

    private void error(long number, JsonWriter out, String message, String type, String code) {
        FrameWriter.open(turn, number, out).ascii("{\"error\":{\"message\":").string(message).ascii(",\"type\":\"").ascii(type)
                .ascii("\",\"code\":\"").ascii(code).ascii("\"}}");
        FrameWriter.close(out);
    }

    private JsonWriter chunk(JsonWriter out) {
        return out.ascii(head).string(turn.model());
    }

    private JsonWriter delta(long number, JsonWriter out, String member) {
        return chunk(FrameWriter.open(turn, number, out)).ascii(",\"choices\":[{\"index\":0,\"delta\":{").ascii(member);
    }

    private JsonWriter relay(JsonWriter out) {
        return out.ascii(",\"chat_relay\":{\"conversationId\":").string(turn.conversationId()).ascii(",\"turnId\":\"")
                .ascii(turn.id().toString()).ascii('"');
    }

    private void part(long number, JsonWriter out, Consumer<JsonWriter> part) {
        relay(delta(number, out, "").ascii("},\"finish_reason\":null}]")).ascii(",\"parts\":[");
        part.accept(out);
        out.ascii("}]}}");
        FrameWriter.close(out);
    }
}
