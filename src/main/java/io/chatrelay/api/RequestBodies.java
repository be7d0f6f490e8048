package io.chatrelay.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.HttpHeaders;

/**
 * Reads the bodies of requests within their limits: bytes and time of each, and memory of all together. The request's thread reads the body
 * as it arrives, so a slow body costs a virtual thread and the memory of the bytes that have arrived.
 */
@ApplicationScoped
public class RequestBodies {

    private static final int CHUNK = 16 * 1024;

    /** A body, and the memory that it holds until its request has been processed. */
    public record Read(JsonBody json, BodyBudget.Lease memory) implements AutoCloseable {

        @Override
        public void close() {
            memory.close();
        }
    }

    private final ApiConfig api;
    private final RequestsConfig config;
    private final BodyBudget budget;

    RequestBodies(ApiConfig api, RequestsConfig config) {
        this.api = api;
        this.config = config;
        this.budget = new BodyBudget(config.maxMemory().asLongValue());
    }

    /** Reads a body, which must be a JSON object. */
    Read read(InputStream in, HttpHeaders headers) {
        return read(in, headers, false);
    }

    /** The same; a missing body is read as an empty object. */
    Read readIfAny(InputStream in, HttpHeaders headers) {
        return read(in, headers, true);
    }

    private Read read(InputStream in, HttpHeaders headers, boolean mayBeEmpty) {
        checkHead(headers);
        BodyBudget.Lease memory = budget.open();
        try {
            byte[] bytes = bytes(in, memory);
            return new Read(mayBeEmpty && bytes.length == 0 ? JsonBody.empty() : json(bytes, memory), memory);
        } catch (RuntimeException | Error e) {
            // Also if there is not enough memory for the body: the acquired memory is released for the others.
            memory.close();
            throw e;
        }
    }

    private void checkHead(HttpHeaders headers) {
        String encoding = headers.getHeaderString(HttpHeaders.CONTENT_ENCODING);
        if (encoding != null && !encoding.isBlank() && !encoding.strip().equalsIgnoreCase("identity")) {
            throw Problems.unsupported("content-encoding", "is not known here: send the body as it is");
        }
        // The framework parses it as an int.
        String length = headers.getHeaderString(HttpHeaders.CONTENT_LENGTH);
        long limit = api.maxBody().asLongValue();
        if (length != null && (length.length() > 18 || Long.parseLong(length) > limit)) {
            throw Problems.tooLarge(limit);
        }
    }

    private byte[] bytes(InputStream in, BodyBudget.Lease memory) {
        long limit = api.maxBody().asLongValue();
        long until = System.nanoTime() + config.bodyTimeout().toNanos();
        ByteArrayOutputStream body = new ByteArrayOutputStream(CHUNK);
        byte[] chunk = new byte[CHUNK];
        try {
            for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                if (body.size() + read > limit) {
                    throw Problems.tooLarge(limit);
                }
                if (System.nanoTime() - until > 0) {
                    throw Problems.tooSlow(config.bodyTimeout());
                }
                take(memory, read);
                body.write(chunk, 0, read);
            }
        } catch (IOException e) {
            throw Problems.invalid("body", "could not be read whole");
        }
        return body.toByteArray();
    }

    private JsonBody json(byte[] bytes, BodyBudget.Lease memory) {
        try {
            take(memory, (long) BodyBudget.BYTES_PER_VALUE * BodyScan.values(bytes, config.maxValues()));
            JsonBody body = JsonBody.of(bytes);
            checkCounts(body);
            return body;
        } catch (IOException e) {
            throw JsonBody.unreadable(e);
        }
    }

    private static void take(BodyBudget.Lease memory, long bytes) {
        if (!memory.grow(bytes)) {
            throw Problems.tooManyBodies();
        }
    }

    /** Runs before any of them is read: each message is read several times, and each new one is stored. */
    private void checkCounts(JsonBody body) {
        if (!body.isArray("messages")) {
            return;
        }
        atMost(body, "messages", config.maxMessages());
        for (int i = 0; i < body.node().get("messages").size(); i++) {
            JsonBody message = new JsonBody(body.node().get("messages").get(i), "messages[" + i + "]");
            atMost(message, "parts", config.maxParts());
            atMost(message, "content", config.maxParts());
            atMost(message, "tool_calls", config.maxParts());
        }
    }

    private static void atMost(JsonBody holder, String name, int most) {
        if (holder.isArray(name) && holder.node().get(name).size() > most) {
            throw holder.wrong(name, "holds more than %d entries".formatted(most));
        }
    }
}
