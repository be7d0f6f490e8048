package io.chatrelay.inkeep;

import java.util.Optional;

import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.rest.client.ext.ResponseExceptionMapper;

/** Makes an exception of every answer that is not a success, redirects included: none is followed. */
final class FailedResponseMapper implements ResponseExceptionMapper<FailedResponseMapper.Rejection> {

    /** The status of an answer, its content type and its body. */
    static final class Rejection extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final int status;
        private final String type;
        private final String body;

        private Rejection(int status, String type, String body) {
            super("status " + status, null, false, false);
            this.status = status;
            this.type = type;
            this.body = body;
        }

        int status() {
            return status;
        }

        String type() {
            return type;
        }

        String body() {
            return body;
        }
    }

    @Override
    public boolean handles(int status, MultivaluedMap<String, Object> headers) {
        // The REST client asks for failures without an answer, too, and with the status 0.
        return status > 0 && status / 100 != 2;
    }

    @Override
    public Rejection toThrowable(Response response) {
        String body = response.hasEntity() ? response.readEntity(String.class) : null;
        return new Rejection(response.getStatus(), Optional.ofNullable(response.getHeaderString("content-type")).orElse(""),
                body == null ? "" : body);
    }
}
