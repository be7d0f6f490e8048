package io.chatrelay.api;

import java.util.List;
import java.util.Set;

import jakarta.inject.Singleton;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.config.MeterFilter;

/**
 * Limits the tags of the request metrics to a fixed set. The caller chooses a path that is rejected before it is matched, and a method that
 * does not exist. Each would be a time series until the process ends, and after the first hundred none would be recorded any more.
 */
@Singleton
class RequestMetricTags implements MeterFilter {

    static final String OTHER = "other";
    /** The framework's own routes, and its values for a request without one. */
    private static final Set<String> FRAMEWORK = Set.of("/q/openapi", "/q/metrics", "/q/health", "/q/health/live",
            "/q/health/ready", "/q/health/started", "/q/info", "NOT_FOUND", "REDIRECTION", "CLIENT_ERROR", "UNKNOWN", "root");
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    private final RequestPaths paths;

    RequestMetricTags(RequestPaths paths) {
        this.paths = paths;
    }

    @Override
    public Meter.Id map(Meter.Id id) {
        if (!id.getName().equals("http.server.requests")) {
            return id;
        }
        List<Tag> tags = id.getTags().stream().map(this::known).toList();
        return id.replaceTags(tags);
    }

    /** The method, or a word for all others: it is the sender's text. */
    static String method(String method) {
        return METHODS.contains(method) ? method : OTHER;
    }

    private Tag known(Tag tag) {
        boolean known = switch (tag.getKey()) {
            case "uri" -> paths.contains(tag.getValue()) || FRAMEWORK.contains(tag.getValue());
            case "method" -> METHODS.contains(tag.getValue());
            default -> true;
        };
        return known ? tag : Tag.of(tag.getKey(), OTHER);
    }
}
