package io.chatrelay.access;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeoutException;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.HttpHeaders;

import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

import io.quarkus.oidc.AccessTokenCredential;
import io.quarkus.oidc.OIDCException;
import io.quarkus.oidc.TokenIntrospection;
import io.quarkus.oidc.common.runtime.OidcCommonUtils;
import io.quarkus.oidc.runtime.OidcAuthenticationMechanism;
import io.quarkus.oidc.runtime.OidcUtils;
import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.UnauthorizedException;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.vertx.http.runtime.security.ChallengeData;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.smallrye.mutiny.CompositeException;
import io.smallrye.mutiny.Uni;
import io.vertx.core.VertxException;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;

/**
 * Identifies a caller by a token of the company's issuer: {@code quarkus-oidc} checks the token, {@link TokenCallers} finds the caller in its
 * claims. It comes before quarkus-oidc's own mechanism, which would answer without a body, and which knows no callers.
 */
@ApplicationScoped
class IssuerTokenMechanism implements HttpAuthenticationMechanism {

    static final int PRIORITY = 2 * HttpAuthenticationMechanism.DEFAULT_PRIORITY;

    private static final Logger LOG = Logger.getLogger(IssuerTokenMechanism.class);
    private static final String REFUSAL = IssuerTokenMechanism.class.getName();

    private final OidcAuthenticationMechanism oidc;
    private final TokenCallers callers;

    IssuerTokenMechanism(OidcAuthenticationMechanism oidc, TokenCallers callers) {
        this.oidc = oidc;
        this.callers = callers;
    }

    @Override
    public Uni<SecurityIdentity> authenticate(RoutingContext context, IdentityProviderManager providers) {
        if (!callers.isEnabled()) {
            return Uni.createFrom().nullItem();
        }
        return oidc.authenticate(context, providers).onItem().ifNotNull().transform(identity -> known(context, identity))
                .onFailure().transform(cause -> refused(context, cause));
    }

    private SecurityIdentity known(RoutingContext context, SecurityIdentity identity) {
        Caller caller = callers.of(claims(identity));
        ConnectionGateInstaller.known(context);
        return caller.identity();
    }

    private static JsonObject claims(SecurityIdentity identity) {
        TokenIntrospection introspection = identity.getAttribute(OidcUtils.INTROSPECTION_ATTRIBUTE);
        return introspection != null ? new JsonObject(introspection.getIntrospectionString())
                : OidcCommonUtils.decodeJwtContent(identity.getCredential(AccessTokenCredential.class).getToken());
    }

    /** Quarkus asks for a challenge after this type alone; the refusal itself is kept for it. */
    private AuthenticationFailedException refused(RoutingContext context, Throwable cause) {
        context.put(REFUSAL, refusal(context, cause));
        context.put(HttpAuthenticationMechanism.class.getName(), this);
        return new AuthenticationFailedException(cause);
    }

    private static UnauthorizedException refusal(RoutingContext context, Throwable cause) {
        if (cause instanceof Unauthorized known) {
            return known;
        }
        Optional<Throwable> failed = failedCall(cause);
        if (failed.isPresent()) {
            LOG.warnf("a token could not be checked, because the issuer did not answer: %s", failed.get().getClass().getName());
            return new IssuerUnavailable();
        }
        return isJwt(context) ? Unauthorized.tokenInvalid()
                : new Unauthorized(Unauthorized.Reason.KEY_UNKNOWN, Unauthorized.NO_KEY);
    }

    /** A refused or cut connection, a late answer, or an answer that is an error. */
    private static Optional<Throwable> failedCall(@Nullable Throwable cause) {
        return switch (cause) {
            case null -> Optional.empty();
            case IOException _,VertxException _,TimeoutException _,OIDCException _ -> Optional.of(cause);
            // quarkus-oidc looks for the cause of a call that failed, and a cut connection has none: then what failed is lost, and this is left.
            case CompositeException _ -> Optional.of(cause);
            default -> failedCall(cause.getCause());
        };
    }

    /** Only a JWT has two dots. */
    private static boolean isJwt(RoutingContext context) {
        return context.request().getHeader(HttpHeaders.AUTHORIZATION).chars().filter(c -> c == '.').count() == 2;
    }

    @Override
    public Uni<ChallengeData> getChallenge(RoutingContext context) {
        return Uni.createFrom().item(new ChallengeData(401, HttpHeaders.WWW_AUTHENTICATE, Unauthorized.CHALLENGE));
    }

    /** Fails the request instead of answering it, so that the answer is made where all errors are. */
    @Override
    public Uni<Boolean> sendChallenge(RoutingContext context) {
        UnauthorizedException refusal = context.get(REFUSAL);
        return refusal == null ? Uni.createFrom().item(false) : Uni.createFrom().failure(refusal);
    }

    @Override
    public int getPriority() {
        return PRIORITY;
    }
}
