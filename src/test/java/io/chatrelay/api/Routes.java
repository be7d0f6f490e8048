package io.chatrelay.api;

import io.quarkus.arc.Arc;

/** What the metrics know of routes. */
public final class Routes {

    private Routes() {}

    public static boolean isKnown(String template) {
        return Arc.container().instance(RequestPaths.class).get().contains(template);
    }
}
