package io.chatrelay.api;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import io.chatrelay.limit.Limit;
import io.chatrelay.limit.Quota;
import io.vertx.ext.web.RoutingContext;

/**
 * What a caller may have, and what is left, as structured fields. Source: draft-ietf-httpapi-ratelimit-headers-10. A figure says what this replica
 * knows and promises nothing.
 */
final class RateLimitHeaders {

    private static final String POLICY = "ratelimit-policy";
    private static final String LEFT = "ratelimit";

    private RateLimitHeaders() {}

    static void putPolicies(RoutingContext http, List<Quota> quotas) {
        if (!quotas.isEmpty()) {
            http.response().putHeader(POLICY,
                    quotas.stream().map(RateLimitHeaders::policy).collect(Collectors.joining(", ")));
        }
    }

    /** Adds what is left of one limit to what the answer says of others. */
    static void put(RoutingContext http, Quota.Left left) {
        Map<Limit, Quota.Left> all = http.get(LEFT);
        if (all == null) {
            all = new EnumMap<>(Limit.class);
            http.put(LEFT, all);
        }
        all.put(left.quota().limit(), left);
        http.response().putHeader(LEFT, all.values().stream().map(RateLimitHeaders::item).collect(Collectors.joining(", ")));
    }

    private static String policy(Quota quota) {
        return name(quota) + ";q=" + quota.amount() + unit(quota) + seconds("w", quota.window());
    }

    private static String item(Quota.Left left) {
        return name(left.quota()) + ";r=" + left.remaining() + seconds("t", left.reset());
    }

    private static String name(Quota quota) {
        return '"' + quota.limit().wireName() + '"';
    }

    /** Requests are the unit where none is given. */
    private static String unit(Quota quota) {
        return switch (quota.limit()) {
            case REQUESTS_PER_SECOND -> "";
            case RUNNING_TURNS, OPEN_STREAMS -> ";qu=\"concurrent-requests\"";
            // None of the draft's units is it.
            case TOKENS_PER_DAY -> ";qu=\"tokens\"";
        };
    }

    private static String seconds(String parameter, Duration time) {
        return time == null ? "" : ";" + parameter + "=" + time.toSeconds();
    }
}
