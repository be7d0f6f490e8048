package io.chatrelay;

import jakarta.enterprise.event.Event;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.spi.BeanManager;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;

import org.eclipse.microprofile.openapi.annotations.Operation;

import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.UnauthorizedException;
import io.quarkus.security.identity.IdentityProvider;
import io.quarkus.security.spi.runtime.AuthenticationFailureEvent;
import io.quarkus.security.spi.runtime.AuthenticationSuccessEvent;
import io.quarkus.vertx.http.runtime.VertxHttpConfig;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticator;
import io.vertx.ext.web.RoutingContext;

/** Refuses its callers as Quarkus Security does: with its exceptions, and an authenticator that challenges. */
@Path("/run/test")
public class ChallengingResource {

    private final HttpAuthenticator authenticator;

    ChallengingResource(@Any Event<AuthenticationFailureEvent> failures, @Any Event<AuthenticationSuccessEvent> successes,
            BeanManager beans, VertxHttpConfig config, @Any Instance<IdentityProvider<?>> providers)
            throws ReflectiveOperationException {
        // A bean of it, and the public way to it, come with an extension for security.
        var constructor = HttpAuthenticator.class.getDeclaredConstructors()[0];
        constructor.setAccessible(true);
        authenticator = (HttpAuthenticator) constructor.newInstance(null, failures, successes, beans, config, providers, true);
    }

    @GET
    @Path("/failed")
    @Operation(hidden = true)
    public void failed(@Context RoutingContext http) {
        http.put(HttpAuthenticator.class.getName(), authenticator);
        throw new AuthenticationFailedException();
    }

    @GET
    @Path("/unauthorized")
    @Operation(hidden = true)
    public void unauthorized(@Context RoutingContext http) {
        http.put(HttpAuthenticator.class.getName(), authenticator);
        throw new UnauthorizedException();
    }
}
