package io.chatrelay.api;

import java.util.List;
import java.util.Set;

import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;

/**
 * A part of a message, in the format of OpenAI's SDKs or the AI SDK. In a new message, a part or a member that cannot be passed on is
 * rejected by its name. In an earlier message, parts that no upstream accepts are ignored: a model does not receive its own reasoning,
 * sources and steps again.
 */
final class PartReader {

    private static final Set<String> TEXT = Set.of("type", "text", "state");
    private static final Set<String> IMAGE_URL = Set.of("type", "image_url");
    private static final Set<String> IMAGE_URL_ITSELF = Set.of("url", "detail");
    private static final Set<String> IMAGE = Set.of("type", "image", "text", "mediaType");
    private static final Set<String> FILE = Set.of("type", "mediaType", "url", "filename");
    private static final Set<String> DATA = Set.of("type", "id", "data");
    private static final String ANY_IMAGE = "image/*";

    /** Whether the message is new, and not an earlier one. */
    private final boolean strict;
    private final List<Part> into;

    PartReader(boolean strict, List<Part> into) {
        this.strict = strict;
        this.into = into;
    }

    void read(JsonBody part) {
        String type = part.required("type");
        switch (type) {
            case "text" -> {
                only(part, TEXT);
                into.add(new Part.Text(part.required("text")));
            }
            case "image_url" -> imageUrl(part);
            case "image" -> image(part);
            case "file" -> file(part);
            case "step-start" -> {
                // Marks the start of a step, and has no content.
            }
            default -> other(part, type);
        }
    }

    private void only(JsonBody part, Set<String> known) {
        if (strict) {
            part.only(known);
        }
    }

    private void imageUrl(JsonBody part) {
        only(part, IMAGE_URL);
        JsonBody image = part.object("image_url");
        if (image == null) {
            throw part.wrong("image_url", "is required");
        }
        only(image, IMAGE_URL_ITSELF);
        into.add(new Part.File(ANY_IMAGE, image.required("url"), null, image.name("detail")));
    }

    private void image(JsonBody part) {
        only(part, IMAGE);
        String mediaType = part.text("mediaType");
        into.add(new Part.File(mediaType == null || !mediaType.startsWith("image/") ? ANY_IMAGE : mediaType,
                part.required(part.has("image") ? "image" : "text"), null, null));
    }

    private void file(JsonBody part) {
        only(part, FILE);
        if (part.has("url") || strict) {
            into.add(new Part.File(part.required("mediaType"), part.required("url"), part.text("filename"), null));
        }
    }

    private void other(JsonBody part, String type) {
        if (type.startsWith("data-")) {
            only(part, DATA);
            into.add(new Part.Data(type, part.text("id"), part.node().has("data") ? part.raw("data") : RawJson.NULL));
        } else if (strict) {
            throw part.wrong("type", "cannot be passed on: text, image_url, image, file and data-* can");
        } else if (type.startsWith("tool-")) {
            call(part, type.substring("tool-".length()));
        } else if (type.equals("dynamic-tool")) {
            call(part, part.text("toolName"));
        } else if (type.equals("refusal") && part.has("refusal")) {
            into.add(new Part.Refusal(part.text("refusal")));
        }
    }

    private void call(JsonBody part, String tool) {
        if (tool != null && part.has("toolCallId")) {
            into.add(new Part.ToolCall(part.text("toolCallId"), tool,
                    part.has("input") ? part.raw("input") : RawJson.EMPTY_OBJECT,
                    part.has("output") ? part.raw("output") : null));
        }
    }
}
