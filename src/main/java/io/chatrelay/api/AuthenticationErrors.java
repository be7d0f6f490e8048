package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

import io.chatrelay.access.Unauthorized;
import io.quarkiverse.resteasy.problem.ExceptionMapperBase;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.UnauthorizedException;
import io.quarkus.vertx.http.runtime.security.HttpSecurityUtils;

/** Answers clients that Quarkus Security rejects: those without a valid key, and those whom a check of Quarkus' own rejects. */
class AuthenticationErrors {

    @ServerExceptionMapper({ UnauthorizedException.class, AuthenticationFailedException.class })
    Response refused(Throwable cause, UriInfo uri) {
        // The path is not matched to a resource yet, so it has its matrix parameters still.
        String path = HttpSecurityUtils.pathWithoutMatrixParams(uri.getPath());
        // The message of any other exception is not meant for clients.
        String detail = cause instanceof Unauthorized known ? known.getMessage() : Unauthorized.NO_KEY;
        HttpProblem problem = Problems.builder(401, detail).withHeader(HttpHeaders.WWW_AUTHENTICATE, Unauthorized.CHALLENGE)
                .build();
        return ExceptionMapperBase.postProcessorsRegistry.applyPostProcessing(problem, ProblemContext.of(cause, path))
                .toResponse();
    }
}
