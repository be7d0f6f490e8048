package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;

/** The header {@code x-conversation-id} of a request, for clients that cannot add a field to the body. Every answer of a turn has it too. */
public final class ConversationHeader {

    static final String NAME = "x-conversation-id";

    private ConversationHeader() {}

    /**
     * The conversation that a request names, or null.
     *
     * @param field  the field of the body that may name it
     * @param inBody the validated value of that field, or null
     */
    public static String or(String field, String inBody, HttpHeaders http) {
        String header = http.getHeaderString(NAME);
        if (header == null) {
            return inBody;
        }
        JsonBody.checkId(NAME, header);
        if (inBody != null && !inBody.equals(header)) {
            throw Problems.invalid(NAME, "differs from the body's " + field + ": name the conversation once, or twice alike");
        }
        return header;
    }
}
