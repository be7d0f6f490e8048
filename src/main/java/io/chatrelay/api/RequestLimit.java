package io.chatrelay.api;

import java.util.Optional;

import org.jboss.resteasy.reactive.server.ServerRequestFilter;

import io.chatrelay.access.Caller;
import io.chatrelay.access.CurrentCaller;
import io.chatrelay.limit.CallerLimits;
import io.chatrelay.limit.Limits;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;

/**
 * Counts each request of a caller before its path is matched and its body read, and refuses those that are too many. Requests with a stream token
 * are not counted: the caller cannot pace the pages that it gave tokens to. Their streams are among the caller's open ones.
 */
class RequestLimit {

    private final Limits limits;
    private final CurrentCaller current;

    RequestLimit(Limits limits, CurrentCaller current) {
        this.limits = limits;
        this.current = current;
    }

    /** @return null for a request that goes on */
    @ServerRequestFilter(preMatching = true)
    public Uni<Void> count(RoutingContext http) {
        if (current.streamToken().isPresent()) {
            return null;
        }
        Caller caller = current.get();
        CallerLimits own = limits.of(caller.tenant(), caller.name());
        RateLimitHeaders.putPolicies(http, own.quotas());
        Optional<CallerLimits.Counted> counted = own.request();
        counted.ifPresent(each -> RateLimitHeaders.put(http, each.left()));
        if (counted.isEmpty() || counted.get().isAllowed()) {
            return null;
        }
        RuntimeException refusal = own.tooManyRequests(counted.get());
        if (isReconnecting(http.request())) {
            http.response().reset();
            // The request stays without an answer, for its connection is gone.
            return Uni.createFrom().nothing();
        }
        throw refusal;
    }

    /** A reader that lost its stream. An error status would end an {@code EventSource} for good; after a cut it reconnects. */
    static boolean isReconnecting(HttpServerRequest request) {
        return request.headers().contains("last-event-id") && isEventSource(request);
    }

    static boolean isEventSource(HttpServerRequest request) {
        String accept = request.getHeader("accept");
        return accept != null && accept.contains("text/event-stream");
    }
}
