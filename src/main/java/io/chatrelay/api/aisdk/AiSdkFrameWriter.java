package io.chatrelay.api.aisdk;

import java.util.LinkedHashMap;
import java.util.Map;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.UiPart;
import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
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
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEvent.Unknown;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;

/**
 * The AI SDK's UI message stream, as {@code useChat} reads it. Source: {@code uiMessageChunkSchema} of AI SDK 6. The schema rejects
 * unknown parts in every version, and additional members of known parts in early versions.
 *
 * <p>Only a completed turn ends with {@code finish} and {@code [DONE]}: the SDK treats a clean end without an error as
 * success, so a failed turn ends with an {@code error} part and a cancelled one with {@code abort}.
 */
public final class AiSdkFrameWriter implements FrameWriter {

    private static final String DONE = "data: [DONE]\n\n";

    private final Turn turn;

    public AiSdkFrameWriter(Turn turn) {
        this.turn = turn;
    }

    @Override
    public Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("x-vercel-ai-ui-message-stream", "v1");
        // Source: Inkeep's run API, which sends it in addition to the SDK's header.
        headers.put("x-vercel-ai-data-stream", "v2");
        return headers;
    }

    @Override
    public boolean opensWithComment() {
        return true;
    }

    @Override
    public boolean breaksAfter(Ended end) {
        // The SDK reads the error part; after a broken connection it would report a different error instead.
        return false;
    }

    @Override
    public void write(long number, ChatEvent event, JsonWriter out) {
        if (event instanceof Unknown) {
            return;
        }
        FrameWriter.open(turn, number, out);
        switch (event) {
            case Started _ -> start(out);
            case StepStarted() -> UiPart.type(out, "start-step");
            case StepFinished() -> UiPart.type(out, "finish-step");
            case TextStarted(var id) -> text(out, "text-start", id);
            case TextDelta(var id, var delta) -> text(out, "text-delta", id).ascii(",\"delta\":").string(delta);
            case TextEnded(var id) -> text(out, "text-end", id);
            case ReasoningStarted(var id) -> text(out, "reasoning-start", id);
            case ReasoningDelta(var id, var delta) -> text(out, "reasoning-delta", id).ascii(",\"delta\":").string(delta);
            case ReasoningEnded(var id) -> text(out, "reasoning-end", id);
            case ToolInputStarted started -> UiPart.call(out, "tool-input-start", started.callId()).ascii(",\"toolName\":")
                    .string(started.toolName());
            case ToolInputDelta(var id, var delta) ->
                    UiPart.call(out, "tool-input-delta", id).ascii(",\"inputTextDelta\":").string(delta);
            case ApprovalDecided decided -> UiPart.write(out, decided.shown());
            case SidePart part -> UiPart.write(out, part);
            case Ended ended -> end(out, ended);
            case Unknown _ -> throw new IllegalStateException("it has no frame");
        }
        out.ascii('}');
        FrameWriter.close(out);
        if (event instanceof Ended ended && ended.outcome() == Outcome.COMPLETED) {
            out.ascii(DONE);
        }
    }

    /** Closes the open parts, so that a client that sends nothing while it reads can send the decision. These frames have no id. */
    @Override
    public void pause(UnclosedParts open, JsonWriter out) {
        if (open.reasoning() != null) {
            own(text(open(out), "reasoning-end", open.reasoning()));
        }
        if (open.text() != null) {
            own(text(open(out), "text-end", open.text()));
        }
        if (open.step()) {
            own(UiPart.type(open(out), "finish-step"));
        }
        own(UiPart.type(open(out), "finish").ascii(",\"finishReason\":\"").ascii(FinishReason.TOOL_CALLS.wireName())
                .ascii('"'));
        out.ascii(DONE);
    }

    /** Continues the same message. These frames have no id either. */
    @Override
    public void resume(UnclosedParts open, JsonWriter out) {
        own(start(open(out)));
        if (open.reasoning() != null) {
            own(text(open(out), "reasoning-start", open.reasoning()));
        }
        if (open.text() != null) {
            own(text(open(out), "text-start", open.text()));
        }
    }

    private static JsonWriter open(JsonWriter out) {
        return out.ascii("data: ");
    }

    private static void own(JsonWriter out) {
        FrameWriter.close(out.ascii('}'));
    }

    private JsonWriter start(JsonWriter out) {
        return UiPart.type(out, "start").ascii(",\"messageId\":\"").ascii(turn.messageId().toString())
                .ascii("\",\"messageMetadata\":{\"conversationId\":").string(turn.conversationId()).ascii(",\"turnId\":\"")
                .ascii(turn.id().toString()).ascii("\"}");
    }

    private static void end(JsonWriter out, Ended ended) {
        switch (ended.outcome()) {
            case COMPLETED ->
                    UiPart.type(out, "finish").ascii(",\"finishReason\":\"").ascii(ended.finishReason().wireName()).ascii('"');
            case FAILED, INTERRUPTED -> UiPart.type(out, "error").ascii(",\"errorText\":").string(ended.failure().message());
            case CANCELLED -> UiPart.type(out, "abort");
        }
    }

    private static JsonWriter text(JsonWriter out, String type, String id) {
        return UiPart.type(out, type).ascii(",\"id\":").string(id);
    }
}
