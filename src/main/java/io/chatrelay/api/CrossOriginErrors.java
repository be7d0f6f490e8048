package io.chatrelay.api;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

import jakarta.enterprise.event.Observes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import io.quarkus.vertx.http.runtime.cors.CORSConfig;
import io.quarkus.vertx.http.runtime.cors.CORSFilter;
import io.quarkus.vertx.http.runtime.filters.Filters;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;

/**
 * Explains why a page of another origin is rejected, and what to configure. Quarkus' own filter, which runs right after, uses the same
 * configuration and answers preflights before authentication. But it rejects without an explanation; and if it is disabled, a preflight
 * would get the error that a key is missing, and browsers never send a key with a preflight.
 */
class CrossOriginErrors {

    /** After the request gets its id, before Quarkus' filter at 300. */
    private static final int BEFORE_CORS = 400;
    private static final String OFF = "Pages of other origins may not call this service: set quarkus.http.cors.enabled=true,"
            + " and quarkus.http.cors.origins to the origins that may.";
    private static final String ORIGIN = "Pages of this origin may not call this service: add it to quarkus.http.cors.origins.";
    private static final String METHOD = "Pages of other origins may not use this method: add it to quarkus.http.cors.methods.";

    private final CORSConfig config;
    private final List<Pattern> patterns;
    private final ErrorBody errors;
    private final RefusalAudit audit;
    private final ObjectMapper json;

    CrossOriginErrors(VertxHttpConfig http, ErrorBody errors, RefusalAudit audit, ObjectMapper json) {
        this.config = http.cors();
        this.patterns = CORSFilter.parseAllowedOriginsRegex(config.origins());
        this.errors = errors;
        this.audit = audit;
        this.json = json;
    }

    void register(@Observes Filters filters) {
        filters.register(this::filter, BEFORE_CORS);
    }

    private void filter(RoutingContext context) {
        String origin = context.request().getHeader("origin");
        Optional<String> reason = origin == null ? Optional.empty() : refusal(context.request(), origin);
        if (reason.isPresent()) {
            refuse(context, reason.get());
        } else {
            context.next();
        }
    }

    private Optional<String> refusal(HttpServerRequest request, String origin) {
        if (!config.enabled()) {
            return isPreflight(request) ? Optional.of(OFF) : Optional.empty();
        }
        boolean listed = config.origins().map(all -> all.contains(origin) || all.equals(List.of("*"))).orElse(false)
                || CORSFilter.isOriginAllowedByRegex(patterns, origin);
        if (!listed) {
            return isOwn(request, origin) ? Optional.empty() : Optional.of(ORIGIN);
        }
        return isPreflight(request) || allows(request.method()) ? Optional.empty() : Optional.of(METHOD);
    }

    private boolean allows(HttpMethod method) {
        return CORSFilter.isConfiguredWithWildcard(config.methods())
                || config.methods().orElse(List.of()).contains(method.name());
    }

    private static boolean isPreflight(HttpServerRequest request) {
        return request.method().equals(HttpMethod.OPTIONS) && (request.getHeader("access-control-request-method") != null
                || request.getHeader("access-control-request-headers") != null);
    }

    /** Whether the page has the same origin as the address that it calls. */
    private static boolean isOwn(HttpServerRequest request, String origin) {
        try {
            URI page = URI.create(origin);
            return request.authority() != null && request.scheme().equals(page.getScheme())
                    && request.authority().host().equals(page.getHost())
                    && port(request.scheme(), request.authority().port()) == port(page.getScheme(), page.getPort());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static int port(String scheme, int named) {
        if (named > 0) {
            return named;
        }
        return "https".equals(scheme) ? 443 : 80;
    }

    private void refuse(RoutingContext context, String reason) {
        audit.log(403, "origin_refused", context);
        HttpProblem problem = errors.apply(Problems.builder(403, reason).build(),
                ProblemContext.of(new IllegalStateException(reason), context.normalizedPath()));
        try {
            context.response().setStatusCode(403).putHeader("content-type", errors.format(context.normalizedPath()).mediaType())
                    .putHeader("vary", "origin").end(json.writeValueAsString(
                            HttpProblem.builder(problem).with("requestId", RequestId.of(context)).build()));
        } catch (JsonProcessingException e) {
            context.fail(e);
        }
    }
}
