package io.chatrelay.access;

import java.util.Map;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;

import io.smallrye.config.ConfigMapping;

/** The callers of the API, by name. The service never holds a key, only what proves that one was shown. */
@ConfigMapping(prefix = "chat-relay.access")
public interface AccessConfig {

    /** What a digest looks like. */
    String SHA256 = "[0-9a-fA-F]{64}";

    Map<String, Key> keys();

    /** One caller's key. */
    interface Key {

        /** SHA-256 of the key in hex: {@code printf %s "$KEY" | sha256sum}. */
        @Pattern(regexp = SHA256, message = "must be a SHA-256 digest: 64 hexadecimal digits")
        String sha256();

        /** Whose data the caller sees. Two callers of one tenant share its conversations. */
        @NotBlank
        String tenant();
    }
}
