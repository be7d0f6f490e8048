package io.chatrelay.inkeep;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.event.Part;
import io.chatrelay.inkeep.ToolResultPairing.Paired;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * Writes a conversation as OpenAI's messages. A call is directly followed by its result, whenever the result arrived
 * ({@link ToolResultPairing}). A call without a result is omitted, and the rest of its message is kept: OpenAI's protocol rejects such a call,
 * Cloud's answers contain links and annotations as calls that never get a result, and an invented result would give the model false
 * information. A result whose call is no longer in the window is omitted too.
 */
final class CloudMessages {

    private CloudMessages() {}

    static void write(List<ChatMessage> conversation, ArrayNode into) {
        Iterator<Paired> calls = ToolResultPairing.of(conversation).iterator();
        for (ChatMessage said : conversation) {
            switch (said.role()) {
                case SYSTEM -> message("system", said, into).put("content", text(said));
                case USER -> user(said, message("user", said, into));
                case ASSISTANT -> assistant(said, calls, into);
                case TOOL -> {
                    // A result is written with its call.
                }
            }
        }
    }

    private static ObjectNode message(String role, ChatMessage said, ArrayNode into) {
        ObjectNode message = into.addObject().put("role", role);
        if (said.name() != null) {
            message.put("name", said.name());
        }
        return message;
    }

    private static void user(ChatMessage said, ObjectNode message) {
        if (said.parts().stream().noneMatch(CloudMessages::isImage)) {
            message.put("content", text(said));
            return;
        }
        ArrayNode content = message.putArray("content");
        for (Part part : said.parts()) {
            if (part instanceof Part.Text(var text)) {
                content.addObject().put("type", "text").put("text", text);
            } else if (part instanceof Part.File file && isImage(file)) {
                ObjectNode image = content.addObject().put("type", "image_url").putObject("image_url").put("url", file.url());
                if (file.detail() != null) {
                    image.put("detail", file.detail());
                }
            }
        }
    }

    /** A document in the history is not sent: Cloud accepts only images, and rejects a request that contains anything else. */
    private static boolean isImage(Part part) {
        return part instanceof Part.File file && file.mediaType().startsWith("image/");
    }

    /** Text after the results of calls becomes a separate message, as it was originally. */
    private static void assistant(ChatMessage said, Iterator<Paired> calls, ArrayNode into) {
        List<Part> step = new ArrayList<>();
        List<Paired> answered = new ArrayList<>();
        for (Part part : said.parts()) {
            if (part instanceof Part.ToolCall) {
                Paired call = calls.next();
                if (call.result() != null) {
                    answered.add(call);
                }
                continue;
            }
            if (!answered.isEmpty() && (part instanceof Part.Text || part instanceof Part.Refusal)) {
                step(new ChatMessage(said.role(), step, said.name()), answered, into);
                step.clear();
                answered.clear();
            }
            step.add(part);
        }
        step(new ChatMessage(said.role(), step, said.name()), answered, into);
    }

    private static void step(ChatMessage said, List<Paired> calls, ArrayNode into) {
        String text = text(said);
        String refusal = said.parts().stream().filter(Part.Refusal.class::isInstance).map(part -> ((Part.Refusal) part).text())
                .collect(Collectors.joining());
        if (text.isEmpty() && refusal.isEmpty() && calls.isEmpty()) {
            return;
        }
        ObjectNode message = message("assistant", said, into).put("content", text);
        if (!refusal.isEmpty()) {
            message.put("refusal", refusal);
        }
        for (Paired call : calls) {
            message.withArray("/tool_calls").addObject().put("id", call.id()).put("type", "function").putObject("function")
                    .put("name", call.call().toolName()).put("arguments", call.call().input().text());
        }
        calls.forEach(
                call -> into.addObject().put("role", "tool").put("tool_call_id", call.id()).put("content", call.result()));
    }

    private static String text(ChatMessage said) {
        return said.parts().stream().filter(Part.Text.class::isInstance).map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining());
    }
}
