package io.chatrelay.api;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.stream.Collectors;

import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;

import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

import io.chatrelay.access.Roles;
import io.chatrelay.event.ChatException;
import io.quarkiverse.resteasy.problem.ExceptionMapperBase;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkiverse.resteasy.problem.postprocessing.ProblemContext;
import io.quarkus.security.ForbiddenException;

/** Answers callers that lack the role that a resource names in its {@link RolesAllowed}. */
class RoleErrors {

    /** The library's own mapper of the same exception has 999, and the smaller number wins. */
    private static final int BEFORE_LIBRARY = 998;

    @ServerExceptionMapper(priority = BEFORE_LIBRARY)
    Response forbidden(ForbiddenException cause, ResourceInfo resource, UriInfo uri) {
        return ExceptionMapperBase.postProcessorsRegistry
                .applyPostProcessing(problem(resource.getResourceMethod()), ProblemContext.of(cause, uri)).toResponse();
    }

    /** @param method null where a policy of the operator's own closes a path before it is matched to a resource */
    private static HttpProblem problem(Method method) {
        return method == null ? Problems.builder(403, "A policy of quarkus.http.auth does not let this caller in here.").build()
                : Problems.of(ChatException.roleMissing(needed(method)));
    }

    private static String needed(Method method) {
        RolesAllowed ofMethod = method.getAnnotation(RolesAllowed.class);
        RolesAllowed allowed = ofMethod != null ? ofMethod : method.getDeclaringClass().getAnnotation(RolesAllowed.class);
        return Arrays.stream(allowed.value()).filter(role -> !role.equals(Roles.STREAM_TOKEN))
                .collect(Collectors.joining(" or "));
    }
}
