package io.chatrelay.access;

import java.util.Optional;

import jakarta.enterprise.context.RequestScoped;

/** The caller of the request at hand: known once its key was seen, or the stream token that it showed was found to be one. */
@RequestScoped
public class CurrentCaller {

    private Caller caller;
    private String streamToken;

    void set(Caller seen) {
        caller = seen;
    }

    /** A stream is asked for with a token in place of a key; who reads it is not known before the token was {@link #redeemed}. */
    void shows(String token) {
        streamToken = token;
    }

    /** The token that is still to be looked up; empty for a caller with a key. */
    public Optional<String> streamToken() {
        return Optional.ofNullable(streamToken);
    }

    /** The token is one, and was made by this caller. */
    public void redeemed(Caller maker) {
        caller = maker;
    }

    /** @throws jakarta.ws.rs.NotAuthorizedException for a token that nobody looked up: what knows no tokens takes none */
    public Caller get() {
        if (caller == null) {
            throw Unauthorized.because(Unauthorized.NO_KEY);
        }
        return caller;
    }
}
