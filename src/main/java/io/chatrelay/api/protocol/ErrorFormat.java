package io.chatrelay.api.protocol;

/**
 * The parts of an error's body that depend on the clients of a path. All other members are the same on every path.
 *
 * @param isProblem whether the body is {@code application/problem+json}; else it is plain JSON with {@code message} and {@code details}
 * @param error     creates the body's member {@code error}
 */
public record ErrorFormat(boolean isProblem, ErrorMember error) {

    /** Creates the member {@code error} of an error's body. */
    public interface ErrorMember {

        /** @param field the path of the invalid field, or null */
        Object of(int status, String message, String code, Object field);
    }

    public String mediaType() {
        return isProblem ? "application/problem+json" : "application/json";
    }
}
