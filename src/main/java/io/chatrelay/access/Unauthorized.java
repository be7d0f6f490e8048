package io.chatrelay.access;

import io.quarkus.security.UnauthorizedException;

/** The error for a client without a valid key. Its message is for the client. */
public final class Unauthorized extends UnauthorizedException {

    /** The value of {@code WWW-Authenticate} with each such error. */
    public static final String CHALLENGE = "Bearer realm=\"chat-relay\"";
    /** What a client without a valid key has to do. */
    public static final String NO_KEY = "Send 'Authorization: Bearer <key>' with a key of this service.";

    private static final long serialVersionUID = 1;

    Unauthorized(String detail) {
        super(detail);
    }
}
