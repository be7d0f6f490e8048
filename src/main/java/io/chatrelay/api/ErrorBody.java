package io.chatrelay.api;

import java.util.List;
import java.util.Map;
import java.util.Objects;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerResponseFilter;

import io.chatrelay.chat.Storage;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemPostProcessor;
import io.vertx.ext.web.RoutingContext;

/**
 * The one funnel of errors, the framework's own included: every body has {@code code}, {@code requestId} and {@code error}. Two paths are
 * documented with {@code error} as a text, which is also what OpenAI's SDKs show; there the text names the field.
 */
@ApplicationScoped
class ErrorBody implements ProblemPostProcessor {

    private static final Logger LOG = Logger.getLogger(ErrorBody.class);
    private static final List<String> TEXT_ERRORS = List.of("/run/v1/chat/completions", "/run/api/tool-approvals");

    @Override
    public HttpProblem apply(HttpProblem problem, ProblemContext context) {
        HttpProblem known = Storage.isAway(context.cause)
                ? Problems.builder(503, "The database cannot be reached. Try again in a moment.")
                        .withHeader("retry-after", 2).withInstance(problem.getInstance()).build()
                : problem;
        return shaped(known, context.path);
    }

    private HttpProblem shaped(HttpProblem problem, String path) {
        String detail = Objects.requireNonNullElse(problem.getDetail(), problem.getTitle());
        String code = Objects.toString(problem.getParameters().getOrDefault("code", ErrorCode.of(problem.getStatusCode())));
        HttpProblem.Builder shaped = HttpProblem.builder().withType(problem.getType()).withTitle(problem.getTitle())
                .withStatus(problem.getStatusCode()).withDetail(detail).withInstance(problem.getInstance());
        problem.getHeaders().forEach(shaped::withHeader);
        problem.getParameters().forEach((name, value) -> {
            if (!name.equals("code") && (!name.equals(Problems.DETAILS) || isTextError(path))) {
                shaped.with(name, value);
            }
        });
        shaped.with("code", code);
        if (isTextError(path)) {
            shaped.with("error", detail).with("message", detail);
            if (!problem.getParameters().containsKey(Problems.DETAILS)) {
                shaped.with(Problems.DETAILS, List.of());
            }
        } else {
            shaped.with("error", Map.of("code", code, "message", detail));
        }
        return shaped.build();
    }

    private static boolean isTextError(String path) {
        return TEXT_ERRORS.stream().anyMatch(text -> ("/" + path).replace("//", "/").startsWith(text));
    }

    /**
     * Gives every problem the id of its request, and plain JSON its type where the documented error is that. An answer that is resumed by
     * another thread may come by here while its own thread is still leaving, and takes the request's scope with it: so the id is taken
     * from the request itself.
     */
    @ServerResponseFilter
    public void named(RoutingContext request, UriInfo uri, ContainerResponseContext response, Throwable cause) {
        if (response.getEntity() instanceof HttpProblem problem) {
            String id = RequestId.of(request);
            if (problem.getStatusCode() == 500) {
                // The trace says where; what was written, and by whom, is in none of these messages.
                LOG.errorf(cause, "request %s to %s failed", id, uri.getPath());
            }
            response.setEntity(HttpProblem.builder(problem).with("requestId", id).build());
            if (isTextError(uri.getPath())) {
                response.getHeaders().putSingle("content-type", MediaType.APPLICATION_JSON);
            }
        }
    }

    /** After the defaults of the library, so that its instance and title are there. */
    @Override
    public int priority() {
        return 1;
    }
}
