package io.chatrelay.access;

import jakarta.ws.rs.NotAuthorizedException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.HttpHeaders;

import org.jboss.resteasy.reactive.server.ServerRequestFilter;

/**
 * Lets nobody in without a key: before the path is looked up, so that no way of writing one gets past it and a stranger learns
 * nothing, and before the body is read. Health, metrics and the API's description are not resources, and stay open.
 */
class AccessFilter {

    private final Callers callers;
    private final CurrentCaller current;

    AccessFilter(Callers callers, CurrentCaller current) {
        this.callers = callers;
        this.current = current;
    }

    @ServerRequestFilter(preMatching = true, nonBlocking = true)
    public void authenticate(ContainerRequestContext request) {
        current.set(callers.of(request.getHeaderString(HttpHeaders.AUTHORIZATION)).orElseThrow(
                () -> new NotAuthorizedException("Send 'Authorization: Bearer <key>' with a key of this service.",
                        "Bearer realm=\"chat-relay\"")));
    }
}
