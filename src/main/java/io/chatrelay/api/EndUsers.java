package io.chatrelay.api;

import io.chatrelay.access.Caller;
import io.chatrelay.event.Scope;

/** For which end user a request is, and what it may see. */
final class EndUsers {

    private EndUsers() {}

    /** What the caller may see. */
    static Scope scope(Caller caller) {
        return new Scope(caller.tenant(), caller.endUser());
    }

    /**
     * The end user of the caller's token; if it has none, the one that the body names in {@code user}, or null.
     *
     * @throws io.quarkiverse.resteasy.problem.HttpProblem if the body names another one than the token, or one that the caller may not act for
     */
    static String of(JsonBody body, Caller caller) {
        String named = body.name("user");
        if (caller.endUser() == null) {
            if (named != null && !caller.namesEndUsers()) {
                throw body.refused("user",
                        "cannot be named by this caller, which acts for no end user: leave it out, or have an operator set %s"
                                .formatted(setting(caller)));
            }
            return named;
        }
        if (named != null && !named.equals(caller.endUser())) {
            throw body.wrong("user", "is another one than the end user of the token: leave it out");
        }
        return caller.endUser();
    }

    private static String setting(Caller caller) {
        return switch (caller.source()) {
            case KEY -> "chat-relay.access.keys.%s.end-users".formatted(caller.name());
            case ISSUER -> "chat-relay.access.oidc.end-users";
        };
    }
}
