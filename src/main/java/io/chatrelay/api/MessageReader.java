package io.chatrelay.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * A message of a request, in the format of OpenAI's SDKs ({@code content}) or the AI SDK ({@code parts}). New messages are read strictly: a
 * member that cannot be passed on is rejected by its name. Earlier messages are read leniently: most of them are already stored.
 */
final class MessageReader {

    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "function", "tool");

    /** In addition to the fields for the upstream: {@code metadata} and {@code createdAt} are an app's own data, and are not passed on. */
    private static final Set<String> MESSAGE = Set.of("id", "role", "content", "parts", "name", "metadata", "createdAt",
            "tool_calls");
    private static final Set<String> RESULT = Set.of("id", "role", "content", "name", "tool_call_id", "metadata", "createdAt",
            "tool_calls");

    private MessageReader() {}

    static Role role(JsonBody message) {
        String role = message.required("role");
        if (!ROLES.contains(role)) {
            throw message.wrong("role", "must be one of system, user, assistant, function, tool");
        }
        return switch (role) {
            case "system", "developer" -> Role.SYSTEM;
            case "assistant" -> Role.ASSISTANT;
            case "function", "tool" -> Role.TOOL;
            default -> Role.USER;
        };
    }

    /** @param strict whether this message is new, and not an earlier one */
    static ChatMessage read(JsonBody message, boolean strict) {
        Role role = role(message);
        if (strict) {
            message.only(role == Role.TOOL ? RESULT : MESSAGE);
        }
        List<Part> parts = new ArrayList<>();
        PartReader reader = new PartReader(strict, parts);
        if (role == Role.TOOL) {
            parts.add(new Part.ToolResult(toolCallId(message, strict), content(message, strict)));
        } else if (message.isArray("parts") && !message.objects("parts").isEmpty()) {
            message.objects("parts").forEach(reader::read);
            if (strict) {
                sameContent(message, parts);
            }
        } else if (message.isArray("content")) {
            message.objects("content").forEach(reader::read);
        } else {
            String text = message.text("content");
            if (text != null && !text.isEmpty()) {
                parts.add(new Part.Text(text));
            }
        }
        if (role == Role.ASSISTANT && message.has("refusal")) {
            parts.add(new Part.Refusal(message.text("refusal")));
        }
        calls(message, role, strict, parts);
        if (strict && parts.isEmpty()) {
            throw message.wrong(message.has("parts") ? "parts" : "content", "is empty");
        }
        // In a function's message, the name is the function's.
        return new ChatMessage(role, parts, role == Role.TOOL ? null : message.name("name"));
    }

    /** Older AI SDKs repeat the text of the parts in {@code content}; if the two differ, one of them would be lost. */
    private static void sameContent(JsonBody message, List<Part> parts) {
        String said = parts.stream().filter(Part.Text.class::isInstance).map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining());
        if (!message.isEmpty("content") && message.node().get("content").isTextual()
                && !message.text("content").isEmpty() && !message.text("content").equals(said)) {
            throw message.wrong("content", "says something else than parts: send one of them");
        }
    }

    private static String toolCallId(JsonBody message, boolean strict) {
        String id = message.text(message.has("name") && !message.has("tool_call_id") ? "name" : "tool_call_id");
        if (id == null && strict) {
            throw message.wrong("tool_call_id", "is required");
        }
        return id == null ? "" : id;
    }

    private static String content(JsonBody message, boolean strict) {
        if (!message.isArray("content")) {
            String text = message.text("content");
            return text == null ? "" : text;
        }
        StringBuilder text = new StringBuilder();
        for (JsonBody part : message.objects("content")) {
            if ("text".equals(part.required("type"))) {
                text.append(part.required("text"));
            } else if (strict) {
                throw part.wrong("type", "can only be text here");
            }
        }
        return text.toString();
    }

    private static void calls(JsonBody message, Role role, boolean strict, List<Part> into) {
        List<JsonBody> calls = message.objects("tool_calls");
        if (role == Role.ASSISTANT) {
            calls.forEach(call -> call(call, into));
        } else if (strict && !calls.isEmpty()) {
            throw message.wrong("tool_calls", "belong to an assistant's message");
        }
    }

    private static void call(JsonBody call, List<Part> into) {
        JsonBody function = call.object("function");
        if (function != null && call.has("id") && function.has("name")) {
            String arguments = function.text("arguments");
            into.add(new Part.ToolCall(call.text("id"), function.text("name"),
                    arguments == null || arguments.isBlank() ? RawJson.EMPTY_OBJECT : RawJson.of(arguments), null));
        }
    }
}
