package io.chatrelay.access;

import java.util.Optional;
import java.util.regex.Pattern;

import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.core.HttpHeaders;

import org.jboss.resteasy.reactive.server.ServerRequestFilter;

import io.vertx.ext.web.RoutingContext;

/**
 * Rejects requests without a key. It runs before the path is matched, so that no spelling of a path bypasses it and an unauthenticated
 * client learns nothing, and before the body is read. Health, metrics and the API's description are not resources, and need no key.
 *
 * <p>The two stream paths also accept a token, because a browser's {@code EventSource} cannot send a key. The stream endpoint
 * looks the token up; until then {@link CurrentCaller} has no caller.
 */
class AccessFilter {

    private static final String NO_STREAM = Unauthorized.NO_KEY
            + " A stream token opens nothing but GET of its conversation's stream.";
    private static final String TOKEN = "token";
    private static final Pattern STREAM = Pattern.compile("/?run/(v1/conversations|api/chat)/[^/]+/stream");

    private final Callers callers;
    private final CurrentCaller current;

    AccessFilter(Callers callers, CurrentCaller current) {
        this.callers = callers;
        this.current = current;
    }

    @ServerRequestFilter(preMatching = true, nonBlocking = true)
    public void authenticate(ContainerRequestContext request, RoutingContext connection) {
        String authorization = request.getHeaderString(HttpHeaders.AUTHORIZATION);
        String token = request.getUriInfo().getQueryParameters().getFirst(TOKEN);
        Optional<Caller> caller = callers.of(authorization);
        if (caller.isPresent()) {
            current.set(caller.get());
            ConnectionGateInstaller.known(connection);
        } else if (token == null || authorization != null) {
            throw Unauthorized.because(Unauthorized.NO_KEY);
        } else if (isStream(request)) {
            current.shows(token);
        } else {
            throw Unauthorized.because(NO_STREAM);
        }
    }

    private static boolean isStream(ContainerRequestContext request) {
        return (request.getMethod().equals(HttpMethod.GET) || request.getMethod().equals(HttpMethod.HEAD))
                && STREAM.matcher(request.getUriInfo().getPath()).matches();
    }
}
