package io.chatrelay.api.wire;

import java.util.LinkedHashMap;
import java.util.Map;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.ApprovalDecided;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.ChatEvent.ReasoningDelta;
import io.chatrelay.chat.ChatEvent.ReasoningEnded;
import io.chatrelay.chat.ChatEvent.ReasoningStarted;
import io.chatrelay.chat.ChatEvent.SidePart;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.ChatEvent.StepFinished;
import io.chatrelay.chat.ChatEvent.StepStarted;
import io.chatrelay.chat.ChatEvent.TextDelta;
import io.chatrelay.chat.ChatEvent.TextEnded;
import io.chatrelay.chat.ChatEvent.TextStarted;
import io.chatrelay.chat.ChatEvent.ToolInputDelta;
import io.chatrelay.chat.ChatEvent.ToolInputStarted;
import io.chatrelay.chat.ChatEvent.Unknown;
import io.chatrelay.chat.FinishReason;
import io.chatrelay.chat.JsonText;
import io.chatrelay.chat.Outcome;
import io.chatrelay.chat.Turn;

/**
 * The AI SDK's UI message stream, as {@code useChat} reads it. Source: {@code uiMessageChunkSchema} of AI SDK 6, which refuses
 * unknown parts in every version and extra members on known ones in early versions.
 *
 * <p>After anything but a completed turn there is no {@code finish} and no {@code [DONE]}: a clean end without an error looks
 * like success to the SDK, so a failed turn ends with an {@code error} part and a cancelled one with {@code abort}.
 */
public final class AiSdkWire implements Wire {

    private static final String DONE = "data: [DONE]\n\n";

    private final Turn turn;

    public AiSdkWire(Turn turn) {
        this.turn = turn;
    }

    @Override
    public Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("x-vercel-ai-ui-message-stream", "v1");
        // Inkeep's own, beside the SDK's.
        headers.put("x-vercel-ai-data-stream", "v2");
        return headers;
    }

    @Override
    public boolean opensWithComment() {
        return true;
    }

    @Override
    public boolean breaksAfter(Ended end) {
        // The SDK reads the error part; a broken connection would hide it behind an error of its own.
        return false;
    }

    @Override
    public void render(long number, ChatEvent event, JsonText out) {
        if (event instanceof Unknown) {
            return;
        }
        Wire.open(turn, number, out);
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
        Wire.close(out);
        if (event instanceof Ended ended && ended.outcome() == Outcome.COMPLETED) {
            out.ascii(DONE);
        }
    }

    /**
     * Ends a stream whose turn waits for an approval, so that a client which sends nothing while it reads can send the answer. It is
     * this wire's own, and has no number.
     *
     * @param step whether a step is open
     * @param text      the run of text that is open, or null
     * @param reasoning the run of reasoning that is, or null
     */
    public void pause(boolean step, String text, String reasoning, JsonText out) {
        if (reasoning != null) {
            own(text(open(out), "reasoning-end", reasoning));
        }
        if (text != null) {
            own(text(open(out), "text-end", text));
        }
        if (step) {
            own(UiPart.type(open(out), "finish-step"));
        }
        own(UiPart.type(open(out), "finish").ascii(",\"finishReason\":\"").ascii(FinishReason.TOOL_CALLS.wireName())
                .ascii('"'));
        out.ascii(DONE);
    }

    /**
     * Begins the stream that follows a pause, in the same message; it has no number either.
     *
     * @param text      the run of text that the pause closed, or null
     * @param reasoning the run of reasoning that it closed, or null
     */
    public void goesOn(String text, String reasoning, JsonText out) {
        own(start(open(out)));
        if (reasoning != null) {
            own(text(open(out), "reasoning-start", reasoning));
        }
        if (text != null) {
            own(text(open(out), "text-start", text));
        }
    }

    private static JsonText open(JsonText out) {
        return out.ascii("data: ");
    }

    private static void own(JsonText out) {
        Wire.close(out.ascii('}'));
    }

    private JsonText start(JsonText out) {
        return UiPart.type(out, "start").ascii(",\"messageId\":\"").ascii(turn.messageId().toString())
                .ascii("\",\"messageMetadata\":{\"conversationId\":").string(turn.conversationId()).ascii(",\"turnId\":\"")
                .ascii(turn.id().toString()).ascii("\"}");
    }

    private static void end(JsonText out, Ended ended) {
        switch (ended.outcome()) {
            case COMPLETED ->
                    UiPart.type(out, "finish").ascii(",\"finishReason\":\"").ascii(ended.finishReason().wireName()).ascii('"');
            case FAILED, INTERRUPTED -> UiPart.type(out, "error").ascii(",\"errorText\":").string(ended.failure().message());
            case CANCELLED -> UiPart.type(out, "abort");
        }
    }

    private static JsonText text(JsonText out, String type, String id) {
        return UiPart.type(out, type).ascii(",\"id\":").string(id);
    }
}
