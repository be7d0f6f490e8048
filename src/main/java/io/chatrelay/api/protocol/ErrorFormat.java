package io.chatrelay.api.protocol;

/**
 * What the clients of a path read of an error's body. Beside it every body says the same.
 *
 * @param isProblem whether the body is {@code application/problem+json}; else it is plain JSON with {@code message} and {@code details}
 * @param error     what the body's member {@code error} is
 */
public record ErrorFormat(boolean isProblem, ErrorMember error) {

    /** Makes the member {@code error} of an error's body. */
    public interface ErrorMember {

        /** @param field the path of the field that is wrong, or null */
        Object of(int status, String message, String code, Object field);
    }

    public String mediaType() {
        return isProblem ? "application/problem+json" : "application/json";
    }
}
