package io.chatrelay.access;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** The callers of the API: by name those with a key, of which the service stores only the digest, and those with a token of the company's issuer. */
@ConfigMapping(prefix = "chat-relay.access")
public interface AccessConfig {

    /** The format of a digest, with the blanks that may stand beside a comma. */
    String SHA256 = " *[0-9a-fA-F]{64} *";

    /** The digest as it is compared: digests are written with capitals or without. */
    static String canonical(String digest) {
        return digest.strip().toLowerCase(Locale.ROOT);
    }

    Map<String, Key> keys();

    /** How a token of the company's issuer names its caller. The issuer itself is {@code quarkus.oidc.auth-server-url}. */
    Oidc oidc();

    /** Tokens in place of keys, for readers that cannot send a header. */
    StreamTokens streamTokens();

    /** What happens to a turn when its caller disconnects. */
    enum OnDisconnect {
        /** The turn continues. */
        DETACH,
        /** The turn is cancelled. */
        CANCEL
    }

    /** What happens to a message that arrives while a turn runs. */
    enum OnRunning {
        /** The message is rejected. */
        REFUSE,
        /** The running turn is cancelled first. */
        CANCEL,
        /** The message waits until the turns before it have ended. */
        ENQUEUE
    }

    /** Which end users a request may name in {@code user}, if no token names one. */
    enum EndUsers {
        /** Every one: what the caller says of its own users is believed. */
        ANY,
        /** None: a request that names one is refused. */
        NONE
    }

    /** One caller. */
    interface Key {

        /**
         * SHA-256 of each of the caller's keys in hex, separated by commas: {@code printf %s "$KEY" | sha256sum}. A second one is for rotation:
         * old and new key are the same caller, until the old digest is removed.
         */
        List<@Pattern(regexp = SHA256, message = "must be a SHA-256 digest: 64 hexadecimal digits") String> sha256();

        /** The tenant whose data the caller sees. Two callers of one tenant share its conversations. */
        @NotBlank(message = "must not be blank")
        String tenant();

        /** What the caller may do. Without {@code approve} a service cannot decide what its own messages ask for. */
        @WithDefault("chat,approve")
        Set<Role> roles();

        /**
         * Which end users the caller may act for. {@code user} is recorded with what is decided, and compared where only the end user who asked, or
         * only another person, may decide. A service that has users of its own has to name them, so {@code any} is the default; for one that has
         * none, such as a batch job, {@code none} keeps its key from deciding in the name of a person.
         */
        @WithDefault("any")
        EndUsers endUsers();

        /**
         * What happens when the caller disconnects, if its request does not state it. A chat UI that cannot add a field or a header, and
         * whose stop button only disconnects, needs {@code cancel}. A reader on an unreliable network then loses its turns.
         */
        @WithDefault("detach")
        OnDisconnect onDisconnect();

        /**
         * What happens to a message that arrives while a turn runs in its conversation, if its request does not state it. A chat UI that sends the
         * next message right after its stop button needs {@code cancel}; one that lets people write ahead, {@code enqueue}.
         */
        @WithDefault("refuse")
        OnRunning onRunning();
    }

    /**
     * What the claims of a token say about its caller. The token is a JWT, or an opaque token with the claims of its introspection. Each setting
     * is the name of a claim, or a path of names separated by slashes if no claim has that name.
     */
    interface Oidc {

        /** The claim with the tenant whose data the caller sees. A token without it is refused. */
        @WithDefault("tenant")
        @NotBlank(message = "must not be blank")
        String tenantClaim();

        /**
         * The claims that may name the caller: the first that the token has counts. The name is that of the service that calls, because idempotency
         * keys belong to it. Source of the first: RFC 9068 and RFC 7662; of the second: OpenID Connect.
         */
        @WithDefault("client_id,azp")
        List<@NotBlank(message = "must not be blank") String> callerClaims();

        /**
         * The claim with the end user for whom the caller acts. A token that has it sees and continues only the conversations of this end user; one
         * without it, such as that of a service account, sees all of the tenant's. If it is not set, every token does.
         */
        Optional<String> endUserClaim();

        /**
         * The claim with the caller's roles: a list, or a text with blanks between them, as {@code scope} is. It may contain names of other
         * services, which do not count. Source of the default: RFC 9068.
         */
        @WithDefault("roles")
        @NotBlank(message = "must not be blank")
        String rolesClaim();

        /** As {@link Key#endUsers}, for all callers with a token that names no end user. */
        @WithDefault("any")
        EndUsers endUsers();

        /** As {@link Key#onDisconnect}, for all callers with a token. */
        @WithDefault("detach")
        OnDisconnect onDisconnect();

        /** As {@link Key#onRunning}, for all callers with a token. */
        @WithDefault("refuse")
        OnRunning onRunning();
    }

    /** How long a token can open its stream. An open stream stays open: the service checks the token when a reader connects or reconnects. */
    interface StreamTokens {

        /**
         * The lifetime if the request for the token does not name one. A token is part of a URL, which proxies log and people copy.
         * Longer: anyone who finds the token can read for longer. Shorter: a reader that lost its connection needs a new token.
         */
        @WithDefault("5m")
        @Between(least = "1s", most = "24h")
        Duration lifetime();

        /** The longest lifetime that a request may name: equal to the default time limit of a turn. */
        @WithDefault("60m")
        @Between(least = "1s", most = "720h")
        Duration maxLifetime();
    }
}
