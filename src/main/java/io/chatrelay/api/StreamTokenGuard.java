package io.chatrelay.api;

import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.NotAuthorizedException;

import io.chatrelay.access.Callers;
import io.chatrelay.access.CurrentCaller;
import io.chatrelay.access.Role;
import io.chatrelay.access.Unauthorized;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.StreamTokens;

/** Restricts a reader with a stream token to the token's stream. */
@ApplicationScoped
class StreamTokenGuard {

    /**
     * What a reader may read of a conversation.
     *
     * @param turn the only turn, or null for any
     */
    record Admission(UUID turn) {

        /** The turn to read: the one that the reader names, or else the only one. */
        String orNamed(String named) {
            return named == null && turn != null ? turn.toString() : named;
        }

        /** A reader can name a turn in several ways, so the turn that was found is checked. */
        void check(Turn found) {
            if (turn != null && !turn.equals(found.id())) {
                throw refused();
            }
        }
    }

    private final StreamTokens tokens;
    private final Callers callers;
    private final CurrentCaller current;

    StreamTokenGuard(StreamTokens tokens, Callers callers, CurrentCaller current) {
        this.tokens = tokens;
        this.callers = callers;
        this.current = current;
    }

    /** A reader with a key may read everything of its tenant; a reader with a token acts as the token's creator, for this conversation. */
    Admission admit(String conversation) {
        Optional<String> token = current.streamToken();
        if (token.isEmpty()) {
            return new Admission(null);
        }
        StreamTokens.Grant grant = tokens.find(token.get()).filter(found -> found.conversation().equals(conversation))
                .orElseThrow(StreamTokenGuard::refused);
        current.redeemed(callers.creator(grant.caller(), grant.tenant()).filter(caller -> caller.may(Role.CHAT))
                .orElseThrow(StreamTokenGuard::refused));
        return new Admission(grant.turn());
    }

    private static NotAuthorizedException refused() {
        return new NotAuthorizedException("token is not known, has expired, or is for another conversation or turn."
                + " Make a new one with POST /run/v1/conversations/{id}/stream-tokens.",
                Unauthorized.INVALID_TOKEN);
    }
}
