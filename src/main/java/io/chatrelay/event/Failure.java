package io.chatrelay.event;

import java.util.Locale;
import java.util.stream.Stream;

/**
 * Why a turn did not complete.
 *
 * @param code       the kind of failure
 * @param name       the machine's word: the code's, or a later version's where the code is not known here
 * @param message    one sentence for the caller that says what to do, without secrets and without content
 * @param retryAfter seconds after which a repeat may succeed, or null
 */
public record Failure(Code code, String name, String message, Long retryAfter) {

    public Failure(Code code, String message, Long retryAfter) {
        this(code, code.wireName(), message, retryAfter);
    }

    private static final String UPSTREAM = "{upstream}";

    /** Kinds of failure. A caller's status follows from it as long as none has been sent. */
    public enum Code {
        /** The upstream refused our key. */
        UPSTREAM_UNAUTHORIZED,
        UPSTREAM_RATE_LIMITED,
        /** The upstream refused the request as it stands. */
        UPSTREAM_REFUSED,
        CONTEXT_LENGTH_EXCEEDED,
        /** No connection, a 5xx, or no answer that could be understood, before the first event. */
        UPSTREAM_UNAVAILABLE,
        /** No TLS connection, or a certificate that is not trusted: the operator has to act, and a repeat does not help. */
        UPSTREAM_UNTRUSTED,
        /** Nothing came within the configured time. */
        UPSTREAM_TIMEOUT,
        /** The stream ended, or broke, before the answer was finished. */
        UPSTREAM_CUT,
        /** The upstream said, inside its stream, that it failed. */
        UPSTREAM_ERROR,
        /** What came was not what the protocol says. */
        UPSTREAM_PROTOCOL,
        /** An event, or the turn, was larger than configured. */
        TURN_TOO_LARGE,
        /** The turn ran longer than configured. */
        TURN_TOO_LONG,
        /** The run waits for an approval that cannot be given to it. */
        APPROVAL_UNAVAILABLE,
        /** The database refused what was to be stored. */
        STORAGE_REFUSED,
        /** The replica that ran the turn is gone. */
        REPLICA_LOST,
        /** A defect of this service. */
        INTERNAL_ERROR,
        /** One that only a later version of this service tells from others. */
        UNKNOWN;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The code of that name; {@link #UNKNOWN} for a name that a later version gave. */
        public static Code of(String wireName) {
            return Stream.of(values()).filter(code -> code.wireName().equals(wireName)).findFirst().orElse(UNKNOWN);
        }
    }

    public static Failure of(Code code, String message) {
        return new Failure(code, message, null);
    }

    /**
     * The same with the upstream's configured name in place of the first {@code {upstream}} in its message: whoever makes a failure of an upstream
     * need not know how it is called here.
     */
    public Failure at(String upstream) {
        int at = message.indexOf(UPSTREAM);
        return at < 0 ? this
                : new Failure(code, name,
                        message.substring(0, at) + "upstream '" + upstream + "'" + message.substring(at + UPSTREAM.length()),
                        retryAfter);
    }
}
