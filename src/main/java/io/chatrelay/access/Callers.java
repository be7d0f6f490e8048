package io.chatrelay.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import jakarta.enterprise.context.ApplicationScoped;

import io.quarkus.runtime.configuration.ConfigurationException;

/** Finds callers by their keys, and the callers that created stream tokens. */
@ApplicationScoped
public class Callers {

    private static final String SCHEME = "bearer ";
    /** Before the name of a caller with a token of the issuer, where a stream token refers to it: a key's caller may have the same name. */
    private static final String OF_ISSUER = "issuer:";

    private final Map<String, Caller> byDigest = new HashMap<>();
    private final TokenCallers tokens;

    Callers(AccessConfig config, TokenCallers tokens) {
        this.tokens = tokens;
        config.keys().forEach((name, key) -> {
            Caller caller = caller(name, key);
            key.sha256().forEach(digest -> add(AccessConfig.canonical(digest), caller));
        });
    }

    private static Caller caller(String name, AccessConfig.Key key) {
        return new Caller(Caller.Source.KEY, name, key.tenant(), null, Set.copyOf(key.roles()),
                key.endUsers() == AccessConfig.EndUsers.ANY,
                key.onDisconnect() == AccessConfig.OnDisconnect.CANCEL, key.onRunning());
    }

    private void add(String digest, Caller caller) {
        Caller other = byDigest.putIfAbsent(digest, caller);
        if (other != null) {
            throw new ConfigurationException(
                    "the callers '%s' and '%s' have the same key".formatted(other.name(), caller.name()));
        }
    }

    Set<Caller> all() {
        return Set.copyOf(byDigest.values());
    }

    /** The caller whose key is in an {@code Authorization} header. The lookup is by digest, so its time reveals nothing about a key. */
    public Optional<Caller> of(String authorization) {
        if (authorization == null || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        return Optional.ofNullable(byDigest.get(digest(authorization.substring(SCHEME.length()).strip())));
    }

    /** What a stream token stores of its creator. */
    public static String reference(Caller creator) {
        return switch (creator.source()) {
            case KEY -> creator.name();
            case ISSUER -> OF_ISSUER + creator.name();
        };
    }

    /**
     * The creator of a stream token, as a {@linkplain #reference reference} names it. A caller with a key is found while it has one: when its last key
     * is withdrawn, its stream tokens become invalid too. A caller with a token of the issuer is found while the service has an issuer, because
     * nothing else is known of it without its token.
     */
    public Optional<Caller> creator(String reference, String tenant) {
        if (reference.startsWith(OF_ISSUER)) {
            return tokens.creator(reference.substring(OF_ISSUER.length()), tenant);
        }
        return byDigest.values().stream().filter(caller -> caller.name().equals(reference) && caller.tenant().equals(tenant))
                .findFirst();
    }

    private static String digest(String key) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
