package io.chatrelay.api;

import java.util.Arrays;
import java.util.Locale;

import io.chatrelay.event.Failure;

/** The machine-readable code of an error, beside its status. Source: Inkeep's run API for the first six. */
enum ErrorCode {

    BAD_REQUEST(400),
    UNAUTHORIZED(401),
    FORBIDDEN(403),
    NOT_FOUND(404),
    UNPROCESSABLE_ENTITY(422),
    INTERNAL_SERVER_ERROR(500),
    METHOD_NOT_ALLOWED(405),
    NOT_ACCEPTABLE(406),
    REQUEST_TIMEOUT(408),
    CONFLICT(409),
    GONE(410),
    PAYLOAD_TOO_LARGE(413),
    URI_TOO_LONG(414),
    UNSUPPORTED_MEDIA_TYPE(415),
    RATE_LIMITED(429),
    REQUEST_HEADER_FIELDS_TOO_LARGE(431),
    BAD_GATEWAY(502),
    SERVICE_UNAVAILABLE(503),
    GATEWAY_TIMEOUT(504);

    private final int status;

    ErrorCode(int status) {
        this.status = status;
    }

    static String of(int status) {
        return Arrays.stream(values()).filter(code -> code.status == status).findFirst()
                .orElse(status < 500 ? BAD_REQUEST : INTERNAL_SERVER_ERROR).name().toLowerCase(Locale.ROOT);
    }

    /** The status of a turn that failed before any of its output was sent. */
    static int of(Failure.Code failure) {
        return switch (failure) {
            case UPSTREAM_REFUSED, CONTEXT_LENGTH_EXCEEDED -> 400;
            case UPSTREAM_RATE_LIMITED -> 429;
            case UPSTREAM_UNAUTHORIZED, UPSTREAM_UNAVAILABLE, UPSTREAM_UNTRUSTED, UPSTREAM_CUT, UPSTREAM_ERROR,
                    UPSTREAM_PROTOCOL, TURN_TOO_LARGE,
                    APPROVAL_UNAVAILABLE, UNKNOWN -> 502;
            case UPSTREAM_TIMEOUT, TURN_TOO_LONG -> 504;
            case REPLICA_LOST -> 503;
            case STORAGE_REFUSED, INTERNAL_ERROR -> 500;
        };
    }
}
