package io.chatrelay.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A request as its bytes are sent.
 *
 * @param target path and query
 * @param body   null for none
 */
record Request(String method, String target, List<Map.Entry<String, String>> headers, byte[] body) {

    String path() {
        return target.replaceAll("[?#].*", "");
    }

    byte[] bytes(String host) {
        StringBuilder head = new StringBuilder(
                "%s %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n".formatted(method, target, host));
        headers.forEach(header -> head.append(header.getKey()).append(": ").append(header.getValue()).append("\r\n"));
        if (body != null) {
            head.append("content-length: ").append(body.length).append("\r\n");
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
        if (body != null) {
            bytes.writeBytes(body);
        }
        return bytes.toByteArray();
    }

    /** To be read in a report. */
    @Override
    public String toString() {
        String text = body == null ? "" : new String(body, StandardCharsets.UTF_8);
        return "%s %s %s %s".formatted(method, shortened(target),
                headers.stream().filter(header -> !header.getKey().equals("authorization"))
                        .map(header -> header.getKey() + ": " + shortened(header.getValue())).collect(Collectors.joining(", ")),
                shortened(text));
    }

    private static String shortened(String text) {
        return text.length() > 300 ? text.substring(0, 300) + "… (" + text.length() + ")" : text;
    }
}
