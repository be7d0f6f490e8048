package io.chatrelay.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import jakarta.enterprise.context.ApplicationScoped;

import io.quarkus.runtime.configuration.ConfigurationException;

/** Finds callers by their keys. An issuer's tokens would be resolved here too. */
@ApplicationScoped
public class Callers {

    private static final String SCHEME = "bearer ";

    private final Map<String, Caller> byDigest = new HashMap<>();

    Callers(AccessConfig config) {
        config.keys().forEach((name, key) -> {
            Caller caller = caller(name, key);
            key.sha256().forEach(digest -> add(digest.strip().toLowerCase(Locale.ROOT), caller));
        });
    }

    private static Caller caller(String name, AccessConfig.Key key) {
        return new Caller(name, key.tenant(), Set.copyOf(key.roles()),
                key.onDisconnect() == AccessConfig.OnDisconnect.CANCEL, key.onRunning() == AccessConfig.OnRunning.CANCEL);
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

    /** The caller of that name and tenant, if it still has a key: when its last key is withdrawn, its tokens become invalid too. */
    public Optional<Caller> named(String name, String tenant) {
        return byDigest.values().stream().filter(caller -> caller.name().equals(name) && caller.tenant().equals(tenant))
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
