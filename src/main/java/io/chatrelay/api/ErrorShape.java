package io.chatrelay.api;

import java.util.List;

import jakarta.ws.rs.core.MediaType;

import com.fasterxml.jackson.annotation.JsonInclude;

import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** What the member {@code error} of an error's body is, which depends on the clients of its path. Beside it every body says the same. */
enum ErrorShape {

    /** {@code {code, message}}, as Inkeep's problems have it. */
    PROBLEM(List.of()),
    /** OpenAI's object: its SDKs, and the frameworks on them, show {@code error.message} and nothing else. */
    OPENAI(List.of("/run/v1/chat/completions", "/run/v1/models", "/run/v1/responses")),
    /** The message itself, as Inkeep documents this call. */
    TEXT(List.of("/run/api/tool-approvals"));

    /** Source: problems of Inkeep's run API. */
    @RegisterForReflection
    record InkeepError(String code, String message) {}

    /** Source: errors of OpenAI's API reference. @param param the field that is wrong, or null */
    @RegisterForReflection
    record OpenAiError(String message, String type, String code, @JsonInclude(JsonInclude.Include.ALWAYS) String param) {

        static OpenAiError of(int status, String message, String code, Object field) {
            return new OpenAiError(message, type(status), code, field == null ? null : field.toString());
        }

        private static String type(int status) {
            return switch (status) {
                case 401 -> "authentication_error";
                case 403 -> "permission_error";
                case 429 -> "rate_limit_error";
                default -> status < 500 ? "invalid_request_error" : "server_error";
            };
        }
    }

    private final List<String> paths;

    ErrorShape(List<String> paths) {
        this.paths = paths;
    }

    String mediaType() {
        return this == PROBLEM ? HttpProblem.MEDIA_TYPE.toString() : MediaType.APPLICATION_JSON;
    }

    static ErrorShape of(String path) {
        String absolute = ("/" + path).replace("//", "/");
        for (ErrorShape shape : values()) {
            if (shape.paths.stream().anyMatch(of -> absolute.equals(of) || absolute.startsWith(of + "/"))) {
                return shape;
            }
        }
        return PROBLEM;
    }
}
