package io.chatrelay.api;

import jakarta.enterprise.event.Observes;

import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;

/**
 * Marks every answer as not cacheable, and forbids browsers to guess its content type: conversations are private, and text of a user must
 * not be interpreted as a page. A stream sets its own {@code cache-control}.
 */
class PrivateResponses {

    /** After the request gets its id. */
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
            // A client without a key does not need the connection any more, and the service does not need the body that may follow.
            headers.set(HttpHeaders.CONNECTION, "close");
        }
    }
}
