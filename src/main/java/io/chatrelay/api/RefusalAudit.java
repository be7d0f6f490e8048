package io.chatrelay.api;

import java.util.Locale;
import java.util.Optional;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.NotAuthorizedException;

import io.chatrelay.access.Caller;
import io.chatrelay.access.Unauthorized;
import io.chatrelay.logging.Audit;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkus.vertx.http.runtime.security.QuarkusHttpUser;
import io.vertx.ext.web.RoutingContext;

/** Writes a line to the audit log for each request that is refused access. */
@ApplicationScoped
class RefusalAudit {

    private final RequestPaths paths;

    RefusalAudit(RequestPaths paths) {
        this.paths = paths;
    }

    /** @param answer is a refusal if its status is 401 or 403; any other is ignored */
    void log(HttpProblem answer, Throwable cause, RoutingContext request) {
        if (answer.getStatusCode() == 401 || answer.getStatusCode() == 403) {
            log(answer.getStatusCode(), reason(answer, cause), request);
        }
    }

    /** @param reason in one word */
    void log(int status, String reason, RoutingContext request) {
        Optional<Caller> caller = caller(request);
        // Nothing that a stranger wrote: neither the query, in which a stream token may be, nor the ids in the path, nor any header.
        Audit.of("refused").with("status", status).with("reason", reason)
                .with("method", RequestMetricTags.method(request.request().method().name()))
                .with("path", paths.templateOf(request.request().path()).orElse(RequestMetricTags.OTHER))
                .with("tenant", caller.map(Caller::tenant).orElse(null)).with("caller", caller.map(Caller::name).orElse(null))
                .with("user", caller.map(Caller::endUser).orElse(null)).with("request", RequestId.of(request)).log();
    }

    /** More than a client is told, whose credential may not be its own. */
    private static String reason(HttpProblem answer, Throwable cause) {
        return switch (cause) {
            case Unauthorized known -> known.reason().name().toLowerCase(Locale.ROOT);
            case NotAuthorizedException _ -> "stream_token_invalid";
            case null, default -> String.valueOf(answer.getParameters().get("code"));
        };
    }

    /** Empty for a client that is not known, and for a reader with a stream token. */
    private static Optional<Caller> caller(RoutingContext request) {
        return request.user() instanceof QuarkusHttpUser user
                && user.getSecurityIdentity().getPrincipal() instanceof Caller caller
                        ? Optional.of(caller)
                        : Optional.empty();
    }
}
