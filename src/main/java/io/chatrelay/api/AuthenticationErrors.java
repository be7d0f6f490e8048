package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

import io.chatrelay.access.IssuerUnavailable;
import io.chatrelay.access.Unauthorized;
import io.quarkiverse.resteasy.problem.ExceptionMapperBase;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.UnauthorizedException;
import io.quarkus.vertx.http.runtime.security.HttpSecurityUtils;

/** Answers clients that Quarkus Security rejects: those without a valid key or token, and those whom a check of Quarkus' own rejects. */
class AuthenticationErrors {

    @ServerExceptionMapper({ UnauthorizedException.class, AuthenticationFailedException.class })
    Response refused(Throwable cause, UriInfo uri) {
        // The path is not matched to a resource yet, so it has its matrix parameters still.
        String path = HttpSecurityUtils.pathWithoutMatrixParams(uri.getPath());
        return ExceptionMapperBase.postProcessorsRegistry.applyPostProcessing(problem(cause), ProblemContext.of(cause, path))
                .toResponse();
    }

    private static HttpProblem problem(Throwable cause) {
        return switch (cause) {
            case IssuerUnavailable away -> Problems.builder(503, away.getMessage())
                    .withHeader(HttpHeaders.RETRY_AFTER, IssuerUnavailable.RETRY_AFTER).build();
            case Unauthorized known -> unauthorized(known.getMessage(), known.challenge());
            // The message of any other exception is not meant for clients.
            default -> unauthorized(Unauthorized.NO_KEY, Unauthorized.CHALLENGE);
        };
    }

    private static HttpProblem unauthorized(String detail, String challenge) {
        return Problems.builder(401, detail).withHeader(HttpHeaders.WWW_AUTHENTICATE, challenge).build();
    }
}
