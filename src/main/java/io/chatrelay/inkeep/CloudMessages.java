package io.chatrelay.inkeep;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.chat.Part;
import io.chatrelay.chat.Question.Said;
import io.chatrelay.chat.Role;

/**
 * A conversation as OpenAI's messages. A call without its result in the history is left out, for OpenAI's protocol refuses
 * it: Cloud's answers carry links and annotations as calls that nobody answers. So is a result whose call fell out of the window.
 */
final class CloudMessages {

    private CloudMessages() {}

    static void write(List<Said> conversation, ArrayNode into) {
        Set<String> answered = conversation.stream().filter(said -> said.role() == Role.TOOL)
                .flatMap(said -> said.parts().stream())
                .filter(Part.ToolResult.class::isInstance).map(part -> ((Part.ToolResult) part).callId())
                .collect(Collectors.toSet());
        Set<String> called = new HashSet<>();
        for (Said said : conversation) {
            switch (said.role()) {
                case SYSTEM -> message("system", said, into).put("content", text(said));
                case USER -> user(said, message("user", said, into));
                case ASSISTANT -> assistant(said, answered, called, into);
                case TOOL -> said.parts().forEach(part -> {
                    if (part instanceof Part.ToolResult(var callId, var content) && called.contains(callId)) {
                        into.addObject().put("role", "tool").put("tool_call_id", callId).put("content", content);
                    }
                });
            }
        }
    }

    private static ObjectNode message(String role, Said said, ArrayNode into) {
        ObjectNode message = into.addObject().put("role", role);
        if (said.name() != null) {
            message.put("name", said.name());
        }
        return message;
    }

    private static void user(Said said, ObjectNode message) {
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

    /** A document of the past is not told: Cloud takes images alone, and refuses a request that holds something else. */
    private static boolean isImage(Part part) {
        return part instanceof Part.File file && file.mediaType().startsWith("image/");
    }

    private static void assistant(Said said, Set<String> answered, Set<String> called, ArrayNode into) {
        List<Part.ToolCall> calls = said.parts().stream().filter(Part.ToolCall.class::isInstance).map(Part.ToolCall.class::cast)
                .filter(call -> answered.contains(call.callId())).toList();
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
        for (Part.ToolCall call : calls) {
            called.add(call.callId());
            message.withArray("/tool_calls").addObject().put("id", call.callId()).put("type", "function").putObject("function")
                    .put("name", call.toolName()).put("arguments", call.input().text());
        }
    }

    private static String text(Said said) {
        return said.parts().stream().filter(Part.Text.class::isInstance).map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining());
    }
}
