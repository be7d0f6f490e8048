package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

import io.quarkiverse.resteasy.problem.ExceptionMapperBase;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.UnauthorizedException;

/** A caller that Quarkus itself rejects gets the same error as a caller without a key. */
class AuthenticationErrors {

    @ServerExceptionMapper({ UnauthorizedException.class, AuthenticationFailedException.class })
    Response refused(Throwable cause, UriInfo uri) {
        HttpProblem problem = Problems.builder(401, "Send 'Authorization: Bearer <key>' with a key of this service.")
                .withHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer realm=\"chat-relay\"").build();
        return ExceptionMapperBase.postProcessorsRegistry.applyPostProcessing(problem, ProblemContext.of(cause, uri))
                .toResponse();
    }
}
