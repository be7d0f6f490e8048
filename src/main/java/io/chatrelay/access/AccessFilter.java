package io.chatrelay.access;

import jakarta.ws.rs.NotAuthorizedException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.HttpHeaders;

import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/** Lets nobody in without a key: before the path is looked up, so that a stranger learns nothing, and before the body is read. */
class AccessFilter {

    private final Callers callers;
    private final CurrentCaller current;

    AccessFilter(Callers callers, CurrentCaller current) {
        this.callers = callers;
        this.current = current;
    }

    @ServerRequestFilter(preMatching = true, nonBlocking = true)
    public void authenticate(ContainerRequestContext request) {
        if (request.getUriInfo().getPath().startsWith("/run")) {
            current.set(callers.of(request.getHeaderString(HttpHeaders.AUTHORIZATION))
                    .orElseThrow(
                            () -> new NotAuthorizedException("Send 'Authorization: Bearer <key>' with a key of this service.",
                                    "Bearer realm=\"chat-relay\"")));
        }
    }
}
