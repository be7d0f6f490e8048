package io.chatrelay.api;

import jakarta.enterprise.event.Observes;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;

/**
 * Says of every answer that nobody may keep it, and that it is of the type that it names: conversations are private, and what a user wrote in them
 * must not be taken for a page. A stream says for itself that it is not to be kept.
 */
class PrivateResponses {

    /** After the request has its id. */
    private static final int AFTER_ID = 999;

    void register(@Observes Filters filters) {
        filters.register(context -> {
            context.addHeadersEndHandler(_ -> describe(context));
            context.next();
        }, AFTER_ID);
    }

    private static void describe(RoutingContext context) {
        MultiMap headers = context.response().headers();
        headers.set("x-content-type-options", "nosniff");
        if (context.normalizedPath().startsWith("/run") && !headers.contains("cache-control")) {
            headers.set("cache-control", "no-store");
        }
        if (context.response().getStatusCode() == 401 && context.request().version() != HttpVersion.HTTP_2) {
            // Whoever has no key has no use for the connection either, nor we for the body that may follow.
            headers.set(HttpHeaders.CONNECTION, "close");
        }
    }
}
