package io.chatrelay.access;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.HttpHeaders;

import io.quarkus.security.credential.TokenCredential;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.runtime.QuarkusPrincipal;
import io.quarkus.security.runtime.QuarkusSecurityIdentity;
import io.quarkus.vertx.http.runtime.security.ChallengeData;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.quarkus.vertx.http.runtime.security.HttpSecurityUtils;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;

/**
 * Identifies a caller by the key in its {@code Authorization} header. The principal of the identity is the {@link Caller}. Which paths need an
 * identity is configuration ({@code quarkus.http.auth.permission}): Quarkus checks it before it matches the path to a resource and reads
 * the body, so an unauthenticated client learns nothing.
 *
 * <p>The two stream paths also accept a token, because a browser's {@code EventSource} cannot send a key. Such an identity has the token as
 * its credential and {@link Roles#STREAM_TOKEN} as its only role, and is no caller: the stream endpoint looks the token up, see
 * {@link CurrentCaller}.
 */
@ApplicationScoped
class ApiKeyMechanism implements HttpAuthenticationMechanism {

    private static final String NO_STREAM = Unauthorized.NO_KEY
            + " A stream token opens nothing but GET of its conversation's stream.";
    private static final String TOKEN = "token";
    private static final Pattern STREAM = Pattern.compile("/run/(v1/conversations|api/chat)/[^/]+/stream");
    private static final Pattern ENCODED_SLASH = Pattern.compile("%2[Ff]");

    private final Callers callers;
    /** An open stream holds its identity, so all streams of a caller hold the same one. */
    private final Map<Caller, SecurityIdentity> identities;

    ApiKeyMechanism(Callers callers) {
        this.callers = callers;
        this.identities = callers.all().stream().collect(Collectors.toMap(Function.identity(), Caller::identity));
    }

    @Override
    public Uni<SecurityIdentity> authenticate(RoutingContext context, IdentityProviderManager providers) {
        HttpServerRequest request = context.request();
        Optional<Caller> caller = callers.of(request.getHeader(HttpHeaders.AUTHORIZATION));
        if (caller.isPresent()) {
            ConnectionGateInstaller.known(context);
            return Uni.createFrom().item(identities.get(caller.get()));
        }
        String token = token(request);
        return token != null && isStream(context) ? Uni.createFrom().item(reader(token)) : Uni.createFrom().nullItem();
    }

    private static SecurityIdentity reader(String token) {
        return QuarkusSecurityIdentity.builder().setPrincipal(new QuarkusPrincipal(Roles.STREAM_TOKEN))
                .addRole(Roles.STREAM_TOKEN).addCredential(new TokenCredential(token, Roles.STREAM_TOKEN)).build();
    }

    /** The token of a request that has no key in its place, or null. */
    private static String token(HttpServerRequest request) {
        try {
            return request.headers().contains(HttpHeaders.AUTHORIZATION) ? null : request.getParam(TOKEN);
        } catch (IllegalArgumentException e) {
            // The query is not encoded correctly, so it has no parameters.
            return null;
        }
    }

    private static boolean isStream(RoutingContext context) {
        HttpMethod method = context.request().method();
        // A slash in a conversation's id is none of the path, and no id has one.
        String path = ENCODED_SLASH.matcher(HttpSecurityUtils.pathWithoutMatrixParams(context.normalizedPath()))
                .replaceAll("/");
        return (method.equals(HttpMethod.GET) || method.equals(HttpMethod.HEAD)) && STREAM.matcher(path).matches();
    }

    @Override
    public Uni<ChallengeData> getChallenge(RoutingContext context) {
        return Uni.createFrom().item(new ChallengeData(401, HttpHeaders.WWW_AUTHENTICATE, Unauthorized.CHALLENGE));
    }

    /** Fails the request instead of answering it, so that the answer is made where all errors are. */
    @Override
    public Uni<Boolean> sendChallenge(RoutingContext context) {
        return Uni.createFrom().failure(refusal(context.request()));
    }

    private static Unauthorized refusal(HttpServerRequest request) {
        if (token(request) != null) {
            return new Unauthorized(Unauthorized.Reason.STREAM_TOKEN_MISPLACED, NO_STREAM);
        }
        return new Unauthorized(request.headers().contains(HttpHeaders.AUTHORIZATION) ? Unauthorized.Reason.KEY_UNKNOWN
                : Unauthorized.Reason.CREDENTIAL_MISSING, Unauthorized.NO_KEY);
    }

    /** Before {@link IssuerTokenMechanism}: a key is found without asking anyone. */
    @Override
    public int getPriority() {
        return IssuerTokenMechanism.PRIORITY + 1;
    }
}
