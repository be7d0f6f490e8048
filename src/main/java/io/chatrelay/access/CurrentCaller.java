package io.chatrelay.access;

import java.util.Optional;

import jakarta.enterprise.context.RequestScoped;

/** The caller of the current request: known after its key was checked, or after its stream token was found valid. */
@RequestScoped
public class CurrentCaller {

    private Caller caller;
    private String streamToken;

    void set(Caller seen) {
        caller = seen;
    }

    /** The request has a token in place of a key; its caller is unknown until the token is {@link #redeemed}. */
    void shows(String token) {
        streamToken = token;
    }

    /** The token that has not been looked up yet; empty for a caller with a key. */
    public Optional<String> streamToken() {
        return Optional.ofNullable(streamToken);
    }

    /** The token is valid, and this caller created it. */
    public void redeemed(Caller maker) {
        caller = maker;
    }

    /** @throws jakarta.ws.rs.NotAuthorizedException if the request has only a token that was not looked up: such endpoints accept no tokens */
    public Caller get() {
        if (caller == null) {
            throw Unauthorized.because(Unauthorized.NO_KEY);
        }
        return caller;
    }
}
