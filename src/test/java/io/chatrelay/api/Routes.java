package io.chatrelay.api;

import java.util.Set;

/** What the metrics know of routes. */
public final class Routes {

    private Routes() {}

    public static Set<String> templates() {
        return RequestMetricTags.PATHS;
    }
}
