package io.chatrelay.inkeep;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;

import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.MultivaluedMap;

import org.jboss.resteasy.reactive.client.impl.RestClientRequestContext;
import org.jboss.resteasy.reactive.client.spi.ClientMessageBodyWriter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * Writes a {@link GuardedRequest} as JSON, if it is still wanted. The REST client calls a writer after it has acquired the connection, and sends
 * right after it, so nothing that takes time lies between the check and the first byte.
 */
final class GuardedRequestWriter implements ClientMessageBodyWriter<GuardedRequest<?>> {

    /** The request was not sent. */
    static final class Unwanted extends RuntimeException {
        private static final long serialVersionUID = 1;

        private Unwanted() {
            super("no longer wanted", null, false, false);
        }
    }

    private final ObjectMapper json;

    GuardedRequestWriter(ObjectMapper json) {
        this.json = json;
    }

    /** An upstream's id is sent back as received, even with half a surrogate pair, so characters outside ASCII are escaped. */
    static String ascii(ObjectMapper json, RunApiMessages.Body body) {
        try {
            return json.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII).writeValueAsString(body);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a record is always written", e);
        }
    }

    @Override
    public boolean isWriteable(Class<?> type, Type genericType, Annotation[] annotations, MediaType mediaType) {
        return type == GuardedRequest.class;
    }

    @Override
    public void writeTo(GuardedRequest<?> request, Class<?> type, Type genericType, Annotation[] annotations,
            MediaType mediaType, MultivaluedMap<String, Object> headers, OutputStream out, RestClientRequestContext context)
            throws IOException {
        boolean written = false;
        try {
            if (!request.wanted().getAsBoolean()) {
                throw new Unwanted();
            }
            writeTo(request, type, genericType, annotations, mediaType, headers, out);
            written = true;
        } finally {
            if (!written) {
                // The REST client would keep the connection for a request that is never sent.
                context.getHttpClientRequest().reset();
            }
        }
    }

    @Override
    public void writeTo(GuardedRequest<?> request, Class<?> type, Type genericType, Annotation[] annotations,
            MediaType mediaType, MultivaluedMap<String, Object> headers, OutputStream out) throws IOException {
        request.headers().forEach(headers::putSingle);
        out.write(ascii(json, request.body()).getBytes(StandardCharsets.US_ASCII));
    }
}
