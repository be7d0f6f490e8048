package io.chatrelay.event;

/** A part of a message, in the AI SDK's terms. Source: {@code UIMessagePart} of AI SDK 6. */
public sealed interface Part {

    record Text(String text) implements Part {}

    /**
     * An image or a document.
     *
     * @param mediaType as given, or {@code image/*} if only that is known
     * @param url       a URL or a data URI
     * @param filename  or null
     * @param detail    the level of detail at which the model reads an image, or null. Source: OpenAI's {@code image_url.detail}
     */
    record File(String mediaType, String url, String filename, String detail) implements Part {}

    /** The assistant's refusal in place of an answer. Source: {@code refusal} of OpenAI's assistant message. */
    record Refusal(String text) implements Part {}

    /**
     * A call that the model made, with {@code output} once it is known.
     *
     * @param output null until it is known
     */
    record ToolCall(String callId, String toolName, RawJson input, RawJson output) implements Part {}

    /** The result of a tool that the caller ran: the whole content of a message of role {@code tool}. */
    record ToolResult(String callId, String content) implements Part {}

    /** A part that is passed on unchanged; its type begins with {@code data-}. */
    record Data(String type, String id, RawJson data) implements Part {}
}
