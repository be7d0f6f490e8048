package io.chatrelay.api;

import java.util.UUID;
import java.util.regex.Pattern;

import jakarta.enterprise.event.Observes;

import io.chatrelay.logging.LogIds;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.ext.web.RoutingContext;

/** Gives every request an id: the caller's {@code x-request-id} if it is harmless, else a new one. The answer repeats it. */
class RequestId {

    private static final String HEADER = "x-request-id";
    private static final Pattern HARMLESS = Pattern.compile("[A-Za-z0-9._-]{1,128}");
    private static final int FIRST = 1000;

    void register(@Observes Filters filters) {
        filters.register(context -> {
            String given = context.request().getHeader(HEADER);
            String id = given != null && HARMLESS.matcher(given).matches() ? given : UUID.randomUUID().toString();
            context.put(HEADER, id);
            LogIds.begin(id);
            context.response().putHeader(HEADER, id);
            context.next();
        }, FIRST);
    }

    static String of(RoutingContext context) {
        return context == null ? "unknown" : context.get(HEADER, "unknown");
    }
}
