package io.chatrelay.access;

import io.quarkus.security.UnauthorizedException;

/** The error for a client without a valid key or token. Its message is for the client. */
public final class Unauthorized extends UnauthorizedException {

    /** The value of {@code WWW-Authenticate} with each such error. */
    public static final String CHALLENGE = "Bearer realm=\"chat-relay\"";
    /** The same for a token that was not accepted. Source: RFC 6750, 3.1. */
    public static final String INVALID_TOKEN = CHALLENGE + ", error=\"invalid_token\"";
    /** What a client without a valid key or token has to do. */
    public static final String NO_KEY = "Send 'Authorization: Bearer <key>' with a key of this service, or with a token of its issuer if it has one.";

    private static final long serialVersionUID = 1;

    /** Why a client is not known. */
    public enum Reason {
        /** It sent neither a key nor a token. */
        CREDENTIAL_MISSING,
        /** Its key is not configured, or what it sent is neither a key nor a token. */
        KEY_UNKNOWN,
        /** Its stream token does not open this path. */
        STREAM_TOKEN_MISPLACED,
        /** Its token is not one of the issuer for this service, or has expired. */
        TOKEN_INVALID,
        /** Its token does not name what it has to. */
        CLAIM_MISSING
    }

    private final transient Reason reason;
    private final String challenge;

    Unauthorized(Reason reason, String detail) {
        this(reason, detail, CHALLENGE);
    }

    private Unauthorized(Reason reason, String detail, String challenge) {
        super(detail);
        this.reason = reason;
        this.challenge = challenge;
    }

    public Reason reason() {
        return reason;
    }

    /** It does not state what is wrong with the token: the client may not be the one that it was issued to. */
    static Unauthorized tokenInvalid() {
        return new Unauthorized(Reason.TOKEN_INVALID,
                "The token was not accepted. It must be a token of this service's issuer for this service that has not expired:"
                        + " get a new one.",
                INVALID_TOKEN);
    }

    /** @param what the claim is for */
    static Unauthorized claimMissing(String what, String claim, String setting) {
        return new Unauthorized(Reason.CLAIM_MISSING,
                "The token does not name its %s: it has no usable claim '%s'. Have the issuer add it, or an operator set %s."
                        .formatted(what, claim, setting),
                INVALID_TOKEN);
    }

    /** The value of {@code WWW-Authenticate}. */
    public String challenge() {
        return challenge;
    }
}
