package io.chatrelay.access;

import java.time.Duration;
import java.util.Map;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** The callers of the API, by name. The service never holds a key, only what proves that one was shown. */
@ConfigMapping(prefix = "chat-relay.access")
public interface AccessConfig {

    /** What a digest looks like. */
    String SHA256 = "[0-9a-fA-F]{64}";

    Map<String, Key> keys();

    /** Tokens in place of keys, for readers that cannot send a header. */
    StreamTokens streamTokens();

    /** What a caller's leaving means for its turn. */
    enum OnDisconnect {
        /** The turn goes on. */
        DETACH,
        /** The turn is stopped. */
        CANCEL
    }

    /** What a message means while a turn runs. */
    enum OnRunning {
        /** The message is refused. */
        REFUSE,
        /** The turn is stopped first. */
        CANCEL
    }

    /** One caller's key. */
    interface Key {

        /** SHA-256 of the key in hex: {@code printf %s "$KEY" | sha256sum}. */
        @Pattern(regexp = SHA256, message = "must be a SHA-256 digest: 64 hexadecimal digits")
        String sha256();

        /** Whose data the caller sees. Two callers of one tenant share its conversations. */
        @NotBlank
        String tenant();

        /**
         * What it means that the caller disconnects, where its request does not say: a chat UI that cannot add a field or a header, and
         * whose stop button only disconnects, needs {@code cancel}. A reader of a flaky network then loses its turns.
         */
        @WithDefault("detach")
        OnDisconnect onDisconnect();

        /**
         * What a message means while a turn runs in its conversation, where its request does not say: a chat UI that sends after its stop
         * button needs {@code cancel}.
         */
        @WithDefault("refuse")
        OnRunning onRunning();
    }

    /** How long a stream token opens its stream. What is open stays open: it is looked at when a reader comes, and comes back. */
    interface StreamTokens {

        /**
         * Where its maker names no time. A token travels in a URL, which proxies log and people copy: longer lets whoever finds it read
         * for longer, shorter sends a reader that lost its connection for a new one.
         */
        @WithDefault("5m")
        @Between(least = "1s", most = "24h")
        Duration lifetime();

        /** The longest that its maker may name: as long as a turn may take by default. */
        @WithDefault("60m")
        @Between(least = "1s", most = "720h")
        Duration maxLifetime();
    }
}
