package io.chatrelay.support.access;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

import org.jose4j.jwk.EcJwkGenerator;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jwk.RsaJwkGenerator;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.jose4j.keys.EllipticCurves;
import org.jose4j.lang.JoseException;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import io.chatrelay.support.Json;

/** An issuer: it says where its keys are, signs tokens with RS256 and ES256, changes its keys, and introspects opaque tokens. */
public final class TestIssuer {

    /** The claim {@code aud} of tokens for this service. */
    public static final String AUDIENCE = "chat-relay";

    /** The key that signs. */
    public enum Algorithm {
        RS256, ES256
    }

    public static final TestIssuer INSTANCE = new TestIssuer();

    private final Map<Algorithm, PublicJsonWebKey> keys = new ConcurrentHashMap<>();
    private final Map<String, ObjectNode> opaque = new ConcurrentHashMap<>();
    private final List<String> introspected = new CopyOnWriteArrayList<>();
    private final AtomicInteger keySets = new AtomicInteger();
    private volatile boolean away;
    private HttpServer server;

    private TestIssuer() {}

    /** The address, which is also the claim {@code iss}. */
    public synchronized String start() {
        if (server == null) {
            try {
                server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            rotate();
            server.createContext("/", this::answer);
            server.start();
        }
        return address();
    }

    public synchronized void stop() {
        if (server != null) {
            server.stop(0);
            server = null;
        }
    }

    private String address() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    /** New keys with new ids; the old ones are published no more. */
    public void rotate() {
        try {
            put(Algorithm.RS256, RsaJwkGenerator.generateJwk(2048));
            put(Algorithm.ES256, EcJwkGenerator.generateJwk(EllipticCurves.P256));
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    private void put(Algorithm algorithm, PublicJsonWebKey key) {
        key.setKeyId(UUID.randomUUID().toString());
        key.setUse("sig");
        key.setAlgorithm(algorithm.name());
        keys.put(algorithm, key);
    }

    /** While it is away, every connection to it is cut. */
    public void away(boolean isAway) {
        away = isAway;
    }

    /** How often its keys were fetched. */
    public int keySets() {
        return keySets.get();
    }

    /** The tokens that were introspected. */
    public List<String> introspected() {
        return introspected;
    }

    /** The claims of a token that is good: of a caller, a tenant, and with roles. */
    public JwtClaims claims(String caller, String tenant, String... roles) {
        JwtClaims claims = new JwtClaims();
        claims.setIssuer(address());
        claims.setAudience(AUDIENCE);
        claims.setSubject("subject-of-" + caller);
        claims.setIssuedAtToNow();
        claims.setExpirationTimeMinutesInTheFuture(5);
        claims.setClaim("client_id", caller);
        claims.setClaim("tenant", tenant);
        claims.setClaim("roles", Arrays.asList(roles));
        return claims;
    }

    public static void expire(JwtClaims claims) {
        claims.setExpirationTime(NumericDate.fromSeconds(NumericDate.now().getValue() - Duration.ofHours(1).toSeconds()));
    }

    /** A token that is signed with the current key. */
    public String sign(Algorithm algorithm, JwtClaims claims) {
        return sign(algorithm, claims, keys.get(algorithm));
    }

    /** A token that names the current key and is signed with another. */
    public String forge(Algorithm algorithm, JwtClaims claims) {
        try {
            PublicJsonWebKey other = algorithm == Algorithm.RS256 ? RsaJwkGenerator.generateJwk(2048)
                    : EcJwkGenerator.generateJwk(EllipticCurves.P256);
            other.setKeyId(keys.get(algorithm).getKeyId());
            return sign(algorithm, claims, other);
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String sign(Algorithm algorithm, JwtClaims claims, PublicJsonWebKey key) {
        JsonWebSignature signature = new JsonWebSignature();
        signature.setPayload(claims.toJson());
        signature.setKey(key.getPrivateKey());
        signature.setKeyIdHeaderValue(key.getKeyId());
        signature.setAlgorithmHeaderValue(algorithm == Algorithm.RS256 ? AlgorithmIdentifiers.RSA_USING_SHA256
                : AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256);
        try {
            return signature.getCompactSerialization();
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A token that says nothing itself: what it stands for is introspected. */
    public String opaque(JwtClaims claims) {
        String token = "opaque-" + UUID.randomUUID();
        opaque.put(token, (ObjectNode) Json.read(claims.toJson()));
        return token;
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (away) {
                return;
            }
            byte[] body = switch (exchange.getRequestURI().getPath()) {
                case "/.well-known/openid-configuration" -> metadata();
                case "/keys" -> keySet();
                case "/introspect" ->
                        introspection(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
                default -> null;
            };
            exchange.getResponseHeaders().set("content-type", "application/json");
            exchange.sendResponseHeaders(body == null ? 404 : 200, body == null ? -1 : body.length);
            if (body != null) {
                exchange.getResponseBody().write(body);
            }
        }
    }

    private byte[] metadata() {
        return Json.of(
                "{'issuer':'%1$s','jwks_uri':'%1$s/keys','introspection_endpoint':'%1$s/introspect','token_endpoint':'%1$s/token'}"
                        .formatted(address()))
                .toString().getBytes(StandardCharsets.UTF_8);
    }

    private byte[] keySet() {
        keySets.incrementAndGet();
        return new JsonWebKeySet(keys.values().toArray(PublicJsonWebKey[]::new)).toJson().getBytes(StandardCharsets.UTF_8);
    }

    private byte[] introspection(String form) {
        String token = Arrays.stream(form.split("&")).filter(field -> field.startsWith("token="))
                .map(field -> URLDecoder.decode(field.substring("token=".length()), StandardCharsets.UTF_8)).findFirst()
                .orElse("");
        introspected.add(token);
        ObjectNode claims = opaque.get(token);
        return (claims == null ? Json.of("{'active':false}") : claims.deepCopy().put("active", true)).toString()
                .getBytes(StandardCharsets.UTF_8);
    }
}
