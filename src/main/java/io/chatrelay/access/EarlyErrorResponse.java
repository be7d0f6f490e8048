package io.chatrelay.access;

import java.nio.charset.StandardCharsets;
import java.util.UUID;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * The answer to a malformed request. It contains nothing of the request, which could not be parsed. It has a new id, so that a caller can
 * refer to it.
 */
final class EarlyErrorResponse {

    private EarlyErrorResponse() {}

    static ByteBuf answer(int status, ByteBufAllocator memory) {
        byte[] body = body(status).getBytes(StandardCharsets.UTF_8);
        byte[] head = ("HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n"
                + "cache-control: no-store\r\nx-content-type-options: nosniff\r\n\r\n")
                .formatted(status, title(status), body.length)
                .getBytes(StandardCharsets.US_ASCII);
        return memory.buffer(head.length + body.length).writeBytes(head).writeBytes(body);
    }

    static String body(int status) {
        return "{\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"code\":\"%s\",\"message\":\"%3$s\",\"error\":{\"code\":\"%4$s\",\"message\":\"%3$s\"},\"requestId\":\"%5$s\"}"
                .formatted(title(status), status, detail(status), code(status), UUID.randomUUID());
    }

    private static String title(int status) {
        return switch (status) {
            case 413 -> "Content Too Large";
            case 414 -> "URI Too Long";
            case 431 -> "Request Header Fields Too Large";
            case 501 -> "Not Implemented";
            default -> status < 500 ? "Bad Request" : "Service Unavailable";
        };
    }

    private static String code(int status) {
        return switch (status) {
            case 413 -> "payload_too_large";
            case 414 -> "uri_too_long";
            case 431 -> "request_header_fields_too_large";
            case 501 -> "not_implemented";
            default -> status < 500 ? "bad_request" : "service_unavailable";
        };
    }

    private static String detail(int status) {
        return switch (status) {
            case 413 -> "The request is too large.";
            case 414 -> "The request line is too long.";
            case 431 -> "The headers of the request are too many or too large.";
            case 501 -> "This version of HTTP is not spoken here.";
            default -> status < 500 ? "This is not an HTTP request that can be understood." : "The service cannot answer now.";
        };
    }
}
