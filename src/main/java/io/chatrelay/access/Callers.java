package io.chatrelay.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

import jakarta.enterprise.context.ApplicationScoped;

import io.quarkus.runtime.configuration.ConfigurationException;

/** Finds callers by their keys. An issuer's tokens would be resolved here too. */
@ApplicationScoped
public class Callers {

    private static final String SCHEME = "bearer ";

    private final Map<String, Caller> byDigest;

    Callers(AccessConfig config) {
        byDigest = config.keys().entrySet().stream().collect(Collectors.toMap(
                entry -> entry.getValue().sha256().toLowerCase(Locale.ROOT),
                entry -> new Caller(entry.getKey(), entry.getValue().tenant(),
                        entry.getValue().onDisconnect() == AccessConfig.OnDisconnect.CANCEL,
                        entry.getValue().onRunning() == AccessConfig.OnRunning.CANCEL),
                (one, other) -> {
                    throw new ConfigurationException(
                            "the callers '%s' and '%s' have the same key".formatted(one.name(), other.name()));
                }));
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

    /** The caller of that name and tenant, if it still has a key: when a key is withdrawn, its caller's tokens become invalid too. */
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
