package io.chatrelay.event;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.NullUnmarked;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.chatrelay.event.ChatEvent.Data;

/** Writes a message's parts as the JSON that is stored and that the history returns to {@code useChat}, and reads them back. */
@NullUnmarked
public final class MessageParts {

    /** The AI SDK's member for data that its parts have no field for. Source: {@code ProviderMetadata} of AI SDK 6. */
    private static final String OURS = "chat_relay";

    private MessageParts() {}

    public static String write(List<Part> parts) {
        JsonWriter out = new JsonWriter(256).ascii('[');
        String separator = "";
        for (Part part : parts) {
            out.ascii(separator);
            separator = ",";
            switch (part) {
                case Part.Text(var text) -> out.ascii("{\"type\":\"text\",\"text\":").string(Jsonb.clean(text)).ascii('}');
                case Part.File file -> file(out, file);
                // The refusal of an assistant's answer is stored in the same form.
                case Part.Refusal(var text) -> data(out, Data.REFUSAL, null, RawJson.string(text));
                case Part.ToolCall call -> call(out, call);
                case Part.ToolResult(var callId, var content) ->
                        out.ascii("{\"type\":\"tool-result\",\"toolCallId\":").string(Jsonb.clean(callId))
                                .ascii(",\"content\":")
                                .string(Jsonb.clean(content)).ascii('}');
                case Part.Data(var type, var id, var data) -> data(out, type, id, data);
            }
        }
        return out.ascii(']').toString();
    }

    private static void file(JsonWriter out, Part.File file) {
        out.ascii("{\"type\":\"file\",\"mediaType\":").string(Jsonb.clean(file.mediaType())).ascii(",\"url\":")
                .string(Jsonb.clean(file.url()));
        optional(out, "filename", file.filename());
        if (file.detail() != null) {
            out.ascii(",\"providerMetadata\":{\"" + OURS + "\":{\"detail\":").string(Jsonb.clean(file.detail())).ascii("}}");
        }
        out.ascii('}');
    }

    private static void call(JsonWriter out, Part.ToolCall call) {
        openCall(out, call.toolName(), call.callId(), call.output() == null ? "input-available" : "output-available",
                call.input(), call.output());
        out.ascii('}');
    }

    /**
     * Writes a call as the AI SDK represents it; the caller of this method writes the closing brace.
     *
     * @param input  null if the input is incomplete
     * @param output null if there is none
     */
    static void openCall(JsonWriter out, String toolName, String callId, String state, RawJson input, RawJson output) {
        out.ascii("{\"type\":").string("tool-" + Jsonb.clean(toolName)).ascii(",\"toolCallId\":").string(Jsonb.clean(callId))
                .ascii(",\"state\":\"").ascii(state).ascii('"');
        if (input != null) {
            out.ascii(",\"input\":").raw(Jsonb.clean(input));
        }
        if (output != null) {
            out.ascii(",\"output\":").raw(Jsonb.clean(output));
        }
    }

    static void data(JsonWriter out, String type, String id, RawJson data) {
        out.ascii("{\"type\":").string(Jsonb.clean(type));
        optional(out, "id", id);
        out.ascii(",\"data\":").raw(Jsonb.clean(data)).ascii('}');
    }

    static void optional(JsonWriter out, String name, String value) {
        if (value != null) {
            out.ascii(",\"").ascii(name).ascii("\":").string(Jsonb.clean(value));
        }
    }

    /** The parts of a stored message that an upstream without memory receives: text, files, refusals, calls and their results. */
    public static List<Part> read(String json) {
        return whole(json).stream()
                .map(part -> part instanceof Part.Data data && isRefusal(data)
                        ? new Part.Refusal(UnlimitedJson.string(data.data().text()))
                        : part)
                .filter(part -> !(part instanceof Part.Data)).toList();
    }

    private static boolean isRefusal(Part.Data data) {
        return data.type().equals(Data.REFUSAL) && data.data().text().startsWith("\"");
    }

    /** All parts of a stored message that was written from parts. */
    public static List<Part> whole(String json) {
        List<Part> parts = new ArrayList<>();
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.START_OBJECT) {
                Part part = part(members(parser));
                if (part != null) {
                    parts.add(part);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("a stored message cannot be read", e);
        }
        return parts;
    }

    private static Part part(Map<String, RawJson> m) {
        String type = Objects.requireNonNullElse(string(m, "type"), "");
        return switch (type) {
            case "text" -> new Part.Text(string(m, "text"));
            case "file" ->
                    new Part.File(string(m, "mediaType"), string(m, "url"), string(m, "filename"), string(ours(m), "detail"));
            case ChatEvent.Data.REFUSAL -> new Part.Refusal(m.getOrDefault("data", RawJson.NULL).asText());
            case "tool-result" -> new Part.ToolResult(string(m, "toolCallId"), string(m, "content"));
            default -> type.startsWith("tool-")
                    ? new Part.ToolCall(string(m, "toolCallId"), type.substring("tool-".length()),
                            m.getOrDefault("input", RawJson.EMPTY_OBJECT), outcome(m))
                    : type.startsWith("data-")
                            ? new Part.Data(type, string(m, "id"), m.getOrDefault("data", RawJson.NULL))
                            : null;
        };
    }

    /** The output of a call; its error text if it failed, unless its input is incomplete. */
    private static RawJson outcome(Map<String, RawJson> call) {
        return call.containsKey("input") ? call.getOrDefault("output", call.get("errorText")) : call.get("output");
    }

    private static Map<String, RawJson> ours(Map<String, RawJson> members) {
        RawJson metadata = members.get("providerMetadata");
        RawJson ours = metadata == null ? null : object(metadata).get(OURS);
        return ours == null ? Map.of() : object(ours);
    }

    private static Map<String, RawJson> object(RawJson json) {
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(json.text())) {
            return parser.nextToken() == JsonToken.START_OBJECT ? members(parser) : Map.of();
        } catch (IOException e) {
            throw new UncheckedIOException("a stored message cannot be read", e);
        }
    }

    /** The members of the object at the parser's position, each as its JSON text. */
    private static Map<String, RawJson> members(JsonParser parser) throws IOException {
        Map<String, RawJson> members = new HashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            StringWriter text = new StringWriter();
            try (JsonGenerator copy = UnlimitedJson.FACTORY.createGenerator(text)) {
                copy.copyCurrentStructureExact(parser);
            }
            members.put(name, new RawJson(text.toString()));
        }
        return members;
    }

    private static String string(Map<String, RawJson> members, String name) {
        RawJson value = members.get(name);
        return value == null ? null : UnlimitedJson.string(value.text());
    }
}
