package io.chatrelay.api;

import java.util.Set;

import io.quarkus.arc.Arc;

/** What the metrics know of routes. */
public final class Routes {

    private Routes() {}

    public static Set<String> templates() {
        return Arc.container().instance(RequestPaths.class).get().templates();
    }
}
