package io.chatrelay.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import io.chatrelay.chat.Part;
import io.chatrelay.chat.Question.Said;
import io.chatrelay.chat.RawJson;
import io.chatrelay.chat.Role;

/**
 * A message of a request, as OpenAI's SDKs ({@code content}) or the AI SDK ({@code parts}) write it. What is asked is read strictly: a part
 * that cannot be passed on is refused by its name. What is told of the past is read leniently: it is mostly stored here already.
 */
final class MessageReader {

    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "function", "tool");

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

    /** @param strict whether this message is asked, and not only told of */
    static Said read(JsonBody message, boolean strict) {
        Role role = role(message);
        List<Part> parts = new ArrayList<>();
        if (role == Role.TOOL) {
            parts.add(new Part.ToolResult(toolCallId(message, strict), content(message, strict)));
        } else if (message.isArray("parts") && !message.objects("parts").isEmpty()) {
            message.objects("parts").forEach(part -> part(part, strict, parts));
        } else if (message.isArray("content")) {
            message.objects("content").forEach(part -> part(part, strict, parts));
        } else {
            String text = message.text("content");
            if (text != null && !text.isEmpty()) {
                parts.add(new Part.Text(text));
            }
        }
        calls(message, role, strict, parts);
        if (strict && parts.isEmpty()) {
            throw message.wrong(message.has("parts") ? "parts" : "content", "is empty");
        }
        return new Said(role, parts);
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

    private static void part(JsonBody part, boolean strict, List<Part> into) {
        String type = part.required("type");
        switch (type) {
            case "text" -> into.add(new Part.Text(part.required("text")));
            case "image_url" -> into.add(new Part.File("image/*", url(part), null));
            case "image" -> into.add(new Part.File("image/*", part.required(part.has("image") ? "image" : "text"), null));
            case "file" -> file(part, strict, into);
            case "step-start" -> {
                // A bracket, not a thing that was said.
            }
            default -> other(part, type, strict, into);
        }
    }

    private static String url(JsonBody part) {
        JsonBody image = part.object("image_url");
        if (image == null) {
            throw part.wrong("image_url", "is required");
        }
        return image.required("url");
    }

    private static void file(JsonBody part, boolean strict, List<Part> into) {
        if (part.has("url") || strict) {
            into.add(new Part.File(part.required("mediaType"), part.required("url"), part.text("filename")));
        }
    }

    private static void other(JsonBody part, String type, boolean strict, List<Part> into) {
        if (type.startsWith("data-")) {
            into.add(new Part.Data(type, part.text("id"), part.node().has("data") ? part.raw("data") : RawJson.NULL));
        } else if (type.startsWith("tool-") && !strict && part.has("toolCallId")) {
            into.add(new Part.ToolCall(part.text("toolCallId"), type.substring("tool-".length()),
                    part.has("input") ? part.raw("input") : RawJson.EMPTY_OBJECT,
                    part.has("output") ? part.raw("output") : null));
        } else if (strict) {
            throw part.wrong("type", "cannot be passed on: text, image_url, image, file and data-* can");
        }
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
