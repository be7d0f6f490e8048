package io.chatrelay.access;

import io.quarkus.security.UnauthorizedException;

/** A token cannot be checked, because the issuer does not answer. The client is not at fault. Its message is for the client. */
public final class IssuerUnavailable extends UnauthorizedException {

    /** Seconds after which the client may try again. */
    public static final int RETRY_AFTER = 5;

    private static final long serialVersionUID = 1;

    IssuerUnavailable() {
        super("The issuer of the token cannot be reached, so the token was not checked. Try again in a moment.");
    }
}
