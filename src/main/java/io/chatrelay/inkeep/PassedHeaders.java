package io.chatrelay.inkeep;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Selects a caller's HTTP headers to pass to the upstream: only the configured ones, and never one that lets a caller act as someone else. */
final class PassedHeaders {

    private static final Set<String> NEVER = Set.of("authorization", "proxy-authorization", "cookie", "set-cookie",
            "x-forwarded-cookie", "host", "connection", "keep-alive", "proxy-authenticate", "te", "trailer",
            "transfer-encoding",
            "upgrade", "content-length", "content-type", "accept");

    private final List<String> allowed;

    /** @throws IllegalArgumentException naming the header that must never be passed */
    PassedHeaders(List<String> allowed) {
        this.allowed = allowed.stream().map(name -> name.strip().toLowerCase(Locale.ROOT)).toList();
        this.allowed.stream().filter(name -> NEVER.contains(name) || name.startsWith("x-target-")).findFirst()
                .ifPresent(name -> {
                    throw new IllegalArgumentException("'" + name + "' never goes up to Inkeep");
                });
    }

    /** @param headers by lower-case name */
    Map<String, String> of(Map<String, String> headers) {
        Map<String, String> passed = new HashMap<>();
        for (String name : allowed) {
            if (headers.containsKey(name)) {
                passed.put(name, headers.get(name));
            }
        }
        return passed;
    }
}
