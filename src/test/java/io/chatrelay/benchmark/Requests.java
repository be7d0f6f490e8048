package io.chatrelay.benchmark;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

import io.chatrelay.support.it.RelayClient;

/** Requests as bytes, for callers of plain sockets. */
final class Requests {

    private Requests() {}

    /** A message of a user to the Agents upstream. */
    static byte[] message(URI chat, String conversation, String text) {
        byte[] body = RelayClient.body("agents", conversation, text).getBytes(StandardCharsets.UTF_8);
        byte[] head = ("POST %s HTTP/1.1\r\nhost: %s\r\nauthorization: Bearer %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n")
                .formatted(chat.getPath(), chat.getHost(), RelayClient.KEY, body.length).getBytes(StandardCharsets.US_ASCII);
        byte[] request = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, request, head.length, body.length);
        return request;
    }

    static byte[] get(URI uri) {
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return "GET %s%s HTTP/1.1\r\nhost: %s\r\nauthorization: Bearer %s\r\n\r\n"
                .formatted(uri.getRawPath(), query, uri.getHost(), RelayClient.KEY).getBytes(StandardCharsets.US_ASCII);
    }
}
