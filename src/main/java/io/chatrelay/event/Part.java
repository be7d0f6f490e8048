package io.chatrelay.event;

/** A piece of a message, in the AI SDK's words. Source: {@code UIMessagePart} of AI SDK 6. */
public sealed interface Part {

    record Text(String text) implements Part {}

    /**
     * An image or a document.
     *
     * @param mediaType as given, or {@code image/*} where only that is known
     * @param url       an address or a data URI
     * @param filename  or null
     * @param detail    how closely an image is to be looked at, or null. Source: OpenAI's {@code image_url.detail}
     */
    record File(String mediaType, String url, String filename, String detail) implements Part {}

    /** What an assistant said instead of an answer. Source: {@code refusal} of OpenAI's assistant message. */
    record Refusal(String text) implements Part {}

    /**
     * A call that the model made; with {@code output} once it is known.
     *
     * @param output null until there is one
     */
    record ToolCall(String callId, String toolName, RawJson input, RawJson output) implements Part {}

    /** What a tool that the caller ran gave: the whole of a message of role {@code tool}. */
    record ToolResult(String callId, String content) implements Part {}

    /** A part that is passed on as it is; its type begins with {@code data-}. */
    record Data(String type, String id, RawJson data) implements Part {}
}
