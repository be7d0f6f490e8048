package io.chatrelay.api;

import java.util.List;
import java.util.Objects;
import java.util.Set;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

import io.chatrelay.api.protocol.ErrorFormat;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.Trace;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemPostProcessor;
import io.quarkus.vertx.http.runtime.security.HttpSecurityUtils;
import io.vertx.ext.web.RoutingContext;

/**
 * The single place that formats errors, the framework's own included: every body has {@code code}, {@code requestId} and {@code error}, in
 * the {@linkplain ErrorFormat format} that the clients of its path read.
 */
@ApplicationScoped
class ErrorBody implements ProblemPostProcessor {

    private static final Logger LOG = Logger.getLogger(ErrorBody.class);
    /** These members are written again, last: the library may pass a problem here twice, and the order of members must not depend on it. */
    private static final Set<String> OURS = Set.of("code", "message", "error");

    private final Protocols protocols;
    private final RefusalAudit audit;

    ErrorBody(Protocols protocols, RefusalAudit audit) {
        this.protocols = protocols;
        this.audit = audit;
    }

    @Override
    public HttpProblem apply(HttpProblem problem, ProblemContext context) {
        if (SqlErrors.isAway(context.cause)) {
            return shaped(Problems.builder(503, "The database cannot be reached. Try again in a moment.")
                    .withHeader("retry-after", 2).withInstance(problem.getInstance()).build(), context.path);
        }
        return shaped(inPlainWords(problem, context.path), context.path);
    }

    /** Rewords errors of the framework for a caller that does not know the framework. */
    private HttpProblem inPlainWords(HttpProblem problem, String path) {
        if (problem.getStatusCode() == 415 && !problem.getParameters().containsKey("field")) {
            return HttpProblem.builder(Problems.unsupported("content-type", "must be application/json"))
                    .withInstance(problem.getInstance()).build();
        }
        if (problem.getStatusCode() == 404) {
            return protocols.missing(absolute(path))
                    .map(said -> Problems.builder(404, said).withInstance(problem.getInstance()).build()).orElse(problem);
        }
        return problem;
    }

    private HttpProblem shaped(HttpProblem problem, String path) {
        ErrorFormat format = format(path);
        String detail = Objects.requireNonNullElse(problem.getDetail(), problem.getTitle());
        String code = Objects.toString(problem.getParameters().getOrDefault("code", ErrorCode.of(problem.getStatusCode())));
        HttpProblem.Builder shaped = HttpProblem.builder().withType(problem.getType()).withTitle(problem.getTitle())
                .withStatus(problem.getStatusCode()).withDetail(detail).withInstance(problem.getInstance());
        problem.getHeaders().forEach(shaped::withHeader);
        problem.getParameters().forEach((name, value) -> {
            if (!OURS.contains(name) && (!name.equals(Problems.DETAILS) || !format.isProblem())) {
                shaped.with(name, value);
            }
        });
        if (!format.isProblem() && !problem.getParameters().containsKey(Problems.DETAILS)) {
            shaped.with(Problems.DETAILS, List.of());
        }
        shaped.with("code", code);
        if (!format.isProblem()) {
            shaped.with("message", detail);
        }
        return shaped
                .with("error", format.error().of(problem.getStatusCode(), detail, code, problem.getParameters().get("field")))
                .build();
    }

    /**
     * Adds the request's id to every problem, and sets the content type of the path's error format. Another thread may resume an answer and run
     * this filter while the request's own thread is still finishing and ends the request scope. So the id is read from the request itself.
     */
    @ServerResponseFilter
    public void named(RoutingContext request, UriInfo uri, ContainerResponseContext response, Throwable cause) {
        if (response.getEntity() instanceof HttpProblem problem) {
            String id = RequestId.of(request);
            if (problem.getStatusCode() == 500) {
                LOG.errorf("request %s to %s failed: %s", id, uri.getPath(), cause == null ? "no cause" : Trace.of(cause));
            }
            audit.log(problem, cause, request);
            response.setEntity(HttpProblem.builder(problem).with("requestId", id).build());
            response.getHeaders().putSingle("content-type", format(uri.getPath()).mediaType());
        }
    }

    /** The format of the path's errors. */
    ErrorFormat format(String path) {
        return protocols.errors(absolute(path));
    }

    private static String absolute(String path) {
        return ("/" + HttpSecurityUtils.pathWithoutMatrixParams(path)).replace("//", "/");
    }

    /** Runs after the library's defaults, so that instance and title are set. */
    @Override
    public int priority() {
        return 1;
    }
}
