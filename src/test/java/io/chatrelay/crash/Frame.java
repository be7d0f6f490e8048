package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** A server-sent event. @param id as it came; empty for what a wire adds of its own */
record Frame(String id, String data) {

    static final ObjectMapper JSON = new ObjectMapper();

    /**
     * The next one with data; null at the end. Comments and {@code retry:} are passed over.
     *
     * @throws IOException where the stream is cut, and where nothing but comments came for so long
     */
    static Frame read(Http http, Duration patience) throws IOException {
        long begun = System.nanoTime();
        String id = "";
        String data = null;
        while (true) {
            String line = http.line();
            if (line == null) {
                return null;
            }
            if (line.startsWith("id: ")) {
                id = line.substring(4);
            } else if (line.startsWith("data: ")) {
                data = data == null ? line.substring(6) : data + "\n" + line.substring(6);
            } else if (line.isEmpty()) {
                if (data != null) {
                    return new Frame(id, data);
                }
                id = "";
            } else if (line.startsWith(":") && System.nanoTime() - begun > patience.toNanos()) {
                throw new IOException("nothing but comments");
            }
        }
    }

    /** Its place in its turn; 0 for what a wire adds of its own. */
    long number() {
        return id.isEmpty() ? 0 : Long.parseLong(id.substring(id.indexOf('.') + 1));
    }

    JsonNode json() {
        return parse(data);
    }

    static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(json, e);
        }
    }
}
