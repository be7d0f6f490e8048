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
                case SYSTEM -> into.addObject().put("role", "system").put("content", text(said));
                case USER -> user(said, into.addObject().put("role", "user"));
                case ASSISTANT -> assistant(said, answered, called, into);
                case TOOL -> said.parts().forEach(part -> {
                    if (part instanceof Part.ToolResult(var callId, var content) && called.contains(callId)) {
                        into.addObject().put("role", "tool").put("tool_call_id", callId).put("content", content);
                    }
                });
            }
        }
    }

    private static void user(Said said, ObjectNode message) {
        if (said.parts().stream().allMatch(Part.Text.class::isInstance)) {
            message.put("content", text(said));
            return;
        }
        ArrayNode content = message.putArray("content");
        for (Part part : said.parts()) {
            if (part instanceof Part.Text(var text)) {
                content.addObject().put("type", "text").put("text", text);
            } else if (part instanceof Part.File(_, var url, _)) {
                content.addObject().put("type", "image_url").putObject("image_url").put("url", url);
            }
        }
    }

    private static void assistant(Said said, Set<String> answered, Set<String> called, ArrayNode into) {
        List<Part.ToolCall> calls = said.parts().stream().filter(Part.ToolCall.class::isInstance).map(Part.ToolCall.class::cast)
                .filter(call -> answered.contains(call.callId())).toList();
        String text = text(said);
        if (text.isEmpty() && calls.isEmpty()) {
            return;
        }
        ObjectNode message = into.addObject().put("role", "assistant").put("content", text);
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
