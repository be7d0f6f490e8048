package io.chatrelay.event;

import java.util.Locale;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Why a turn did not complete.
 *
 * @param code       the kind of failure
 * @param name       the machine-readable name: the code's, or a later version's if this version does not know the code
 * @param message    one sentence that states what the caller can do, without secrets and without content
 * @param retryAfter seconds after which a retry may succeed, or null
 */
public record Failure(Code code, String name, String message, @Nullable Long retryAfter) {

    public Failure(Code code, String message, @Nullable Long retryAfter) {
        this(code, code.wireName(), message, retryAfter);
    }

    private static final String UPSTREAM = "{upstream}";

    /** Kinds of failure. They determine the caller's status code as long as no status was sent. */
    public enum Code {
        /** The upstream rejected this service's key. */
        UPSTREAM_UNAUTHORIZED,
        UPSTREAM_RATE_LIMITED,
        /** The upstream rejected the request in its current form. */
        UPSTREAM_REFUSED,
        CONTEXT_LENGTH_EXCEEDED,
        /** No connection, a 5xx, or an answer that cannot be parsed, before the first event. */
        UPSTREAM_UNAVAILABLE,
        /** No TLS connection, or an untrusted certificate: the operator has to act, and a retry does not help. */
        UPSTREAM_UNTRUSTED,
        /** The upstream sent nothing within the configured time. */
        UPSTREAM_TIMEOUT,
        /** The stream ended or broke before the answer was complete. */
        UPSTREAM_CUT,
        /** The upstream reported a failure inside its stream. */
        UPSTREAM_ERROR,
        /** The upstream's data violates the protocol. */
        UPSTREAM_PROTOCOL,
        /** An event, or the turn, was larger than configured. */
        TURN_TOO_LARGE,
        /** The turn ran longer than configured. */
        TURN_TOO_LONG,
        /** The run waits for an approval whose decision cannot be delivered to it. */
        APPROVAL_UNAVAILABLE,
        /** The database rejected the data to be stored. */
        STORAGE_REFUSED,
        /** The replica that ran the turn is gone. */
        REPLICA_LOST,
        /** A defect of this service. */
        INTERNAL_ERROR,
        /** A code that only a later version of this service knows. */
        UNKNOWN;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The code of that name; {@link #UNKNOWN} for a later version's name. */
        public static Code of(String wireName) {
            return Stream.of(values()).filter(code -> code.wireName().equals(wireName)).findFirst().orElse(UNKNOWN);
        }
    }

    public static Failure of(Code code, String message) {
        return new Failure(code, message, null);
    }

    /**
     * A copy whose message has the upstream's configured name in place of the first {@code {upstream}}: the code that creates a failure
     * does not need to know that name.
     */
    public Failure at(String upstream) {
        int at = message.indexOf(UPSTREAM);
        return at < 0 ? this
                : new Failure(code, name,
                        message.substring(0, at) + "upstream '" + upstream + "'" + message.substring(at + UPSTREAM.length()),
                        retryAfter);
    }
}
