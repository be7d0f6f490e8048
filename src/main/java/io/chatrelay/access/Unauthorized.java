package io.chatrelay.access;

import jakarta.ws.rs.NotAuthorizedException;

/** The error for a client without a valid key. */
final class Unauthorized {

    static final String NO_KEY = "Send 'Authorization: Bearer <key>' with a key of this service.";

    private Unauthorized() {}

    static NotAuthorizedException because(String detail) {
        return new NotAuthorizedException(detail, "Bearer realm=\"chat-relay\"");
    }
}
