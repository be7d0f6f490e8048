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
    /** The framework's names of matched routes, and its values for a request without one. */
    static final Set<String> PATHS = Set.of("/run/api/chat", "/run/api/chat/{id}/stream", "/run/v1/chat/completions",
            "/run/api/tool-approvals", "/run/v1/tool-approvals", "/run/v1/tool-approvals/{id}", "/run/v1/models",
            "/run/v1/models/{id}", "/run/v1/conversations", "/run/v1/conversations/{id}",
            "/run/v1/conversations/{id}/messages", "/run/v1/conversations/{id}/cancel",
            "/run/v1/conversations/{id}/pending-approvals", "/run/v1/conversations/{id}/stream",
            "/run/v1/conversations/{id}/stream-tokens", "/q/openapi", "/q/metrics", "/q/health", "/q/health/live",
            "/q/health/ready", "/q/health/started", "/q/info", "NOT_FOUND", "REDIRECTION", "CLIENT_ERROR", "UNKNOWN", "root");
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    @Override
    public Meter.Id map(Meter.Id id) {
        if (!id.getName().equals("http.server.requests")) {
            return id;
        }
        List<Tag> tags = id.getTags().stream().map(RequestMetricTags::known).toList();
        return id.replaceTags(tags);
    }

    private static Tag known(Tag tag) {
        boolean known = switch (tag.getKey()) {
            case "uri" -> PATHS.contains(tag.getValue());
            case "method" -> METHODS.contains(tag.getValue());
            default -> true;
        };
        return known ? tag : Tag.of(tag.getKey(), OTHER);
    }
}
