package io.chatrelay.api.openai;

import com.fasterxml.jackson.annotation.JsonInclude;

import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * OpenAI's error object: its SDKs, and the frameworks that use them, show only {@code error.message}. Source: errors of OpenAI's API
 * reference.
 *
 * @param param the invalid field, or null
 */
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
