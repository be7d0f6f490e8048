package io.chatrelay.access;

import java.util.Optional;

import jakarta.enterprise.context.RequestScoped;

import io.quarkus.security.credential.TokenCredential;
import io.quarkus.security.identity.SecurityIdentity;

/** The caller of the current request: of its key, or, after its stream token was found valid, the creator of the token. */
@RequestScoped
public class CurrentCaller {

    private final SecurityIdentity identity;
    private Caller creator;

    CurrentCaller(SecurityIdentity identity) {
        this.identity = identity;
    }

    /** The stream token that the request has in place of a key; empty for a caller with a key. */
    public Optional<String> streamToken() {
        return Optional.ofNullable(identity.getCredential(TokenCredential.class))
                .filter(credential -> credential.getType().equals(Roles.STREAM_TOKEN))
                .map(TokenCredential::getToken);
    }

    /** The token is valid, and this caller created it. */
    public void redeemed(Caller creatorOfToken) {
        creator = creatorOfToken;
    }

    /** @throws Unauthorized if the request has only a token that was not looked up: such endpoints accept no tokens */
    public Caller get() {
        if (creator != null) {
            return creator;
        }
        if (identity.getPrincipal() instanceof Caller caller) {
            return caller;
        }
        throw new Unauthorized(Unauthorized.Reason.STREAM_TOKEN_MISPLACED, Unauthorized.NO_KEY);
    }
}
