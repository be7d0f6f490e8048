package io.chatrelay.crash;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.sse.SseEvent;

/** How a caller sends and reads: what it asks for, and how it tells text, questions and the end apart. */
enum Dialect {

    AI_SDK("/run/api/chat", "") {
        @Override
        String text(SseEvent frame) {
            return frame.data().startsWith("{\"type\":\"text-delta\"") ? frame.json().path("delta").asText() : "";
        }

        @Override
        List<JsonNode> parts(SseEvent frame) {
            return frame.data().startsWith("{") ? List.of(frame.json()) : List.of();
        }

        @Override
        Ending ending(SseEvent frame) {
            if (frame.data().startsWith("{\"type\":\"finish\"")) {
                return Ending.COMPLETED;
            }
            if (frame.data().startsWith("{\"type\":\"error\"")) {
                return Ending.FAILED_OR_INTERRUPTED;
            }
            return frame.data().startsWith("{\"type\":\"abort\"") ? Ending.CANCELLED : Ending.NONE;
        }
    },

    OPENAI("/run/v1/chat/completions", "wire=openai&include_usage=true&") {
        @Override
        String text(SseEvent frame) {
            return frame.data().startsWith("{") ? frame.json().path("choices").path(0).path("delta").path("content").asText("")
                    : "";
        }

        @Override
        List<JsonNode> parts(SseEvent frame) {
            List<JsonNode> parts = new ArrayList<>();
            if (frame.data().startsWith("{")) {
                frame.json().path("chat_relay").path("parts").forEach(parts::add);
            }
            return parts;
        }

        @Override
        Ending ending(SseEvent frame) {
            if (!frame.data().startsWith("{") || frame.id().isEmpty()) {
                return Ending.NONE;
            }
            JsonNode json = frame.json();
            if (json.has("error")) {
                return switch (json.path("error").path("type").asText()) {
                    case "cancelled" -> Ending.CANCELLED;
                    case "interrupted" -> Ending.INTERRUPTED;
                    default -> Ending.FAILED;
                };
            }
            return json.path("choices").path(0).path("finish_reason").isTextual() ? Ending.COMPLETED : Ending.NONE;
        }
    };

    static final String DONE = "[DONE]";

    /** Where messages are sent. */
    final String path;
    /** What a reader adds to its query. */
    final String query;

    Dialect(String path, String query) {
        this.path = path;
        this.query = query;
    }

    abstract String text(SseEvent frame);

    /** Those of the AI SDK that it carries. */
    abstract List<JsonNode> parts(SseEvent frame);

    /** Whether the connection breaks after that end, for this wire's clients take a clean close for success. */
    boolean breaksAfter(Ending ending) {
        return this == OPENAI && ending != Ending.NONE && ending != Ending.COMPLETED;
    }

    /** Of a numbered frame. */
    abstract Ending ending(SseEvent frame);

    /** What asks for approval in this frame; null if nothing does. @param messageId of the answer, or null */
    Asking asks(SseEvent frame, String messageId) {
        if (!frame.data().contains("tool-approval-request")) {
            return null;
        }
        return parts(frame).stream().filter(part -> part.path("type").asText().equals("tool-approval-request"))
                .map(part -> new Asking(part.path("toolCallId").asText(), part.path("approvalId").asText(), messageId))
                .findFirst().orElse(null);
    }
}
