package io.chatrelay.inkeep;

import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.event.Failure;
import io.chatrelay.event.Failure.Code;

/**
 * Maps an answer that is not a 200 to a failure. Inkeep's errors have three formats ({@code problem+json}, {@code success:false} with an error
 * object or a text), Cloud's have OpenAI's; only their text is read.
 */
final class ErrorResponses {

    private static final ObjectMapper JSON = new ObjectMapper(BoundedJson.FACTORY);
    private static final int LONGEST = 500;

    private ErrorResponses() {}

    static boolean isWorthAnotherTry(int status) {
        return status == 429 || status == 502 || status == 503 || status == 504;
    }

    static Failure of(int status, String body, Long retryAfter) {
        String said = said(body);
        String detail = said.isEmpty() ? "" : ": " + shortened(said);
        return switch (status) {
            case 401, 403 -> Failure.of(Code.UPSTREAM_UNAUTHORIZED,
                    "The {upstream} refused this service's key (%d). Its operator has to check the upstream's api-key."
                            .formatted(status));
            case 429 ->
                    new Failure(Code.UPSTREAM_RATE_LIMITED,
                            "The {upstream} is at its rate limit. Try again later" + detail + ".",
                            retryAfter);
            case 400, 413, 422 -> contextLength(body)
                    ? Failure.of(Code.CONTEXT_LENGTH_EXCEEDED, "The conversation is too long for the model" + detail)
                    : Failure.of(Code.UPSTREAM_REFUSED, "The {upstream} refused the request (%d)%s".formatted(status, detail));
            case 409 -> Failure.of(Code.UPSTREAM_UNAVAILABLE,
                    "The {upstream} had accepted the message in an earlier try whose answer was lost. Send it again as a new turn.");
            default -> new Failure(Code.UPSTREAM_UNAVAILABLE, "The {upstream} answered %d%s".formatted(status, detail),
                    retryAfter);
        };
    }

    /** Seconds of a {@code Retry-After}, which is a number or a date (RFC 9110, 10.2.3); null where there is none. */
    static Long retryAfter(String header, Instant now) {
        if (header == null) {
            return null;
        }
        try {
            return Math.max(0, Long.parseLong(header.strip()));
        } catch (NumberFormatException e) {
            try {
                Instant when = ZonedDateTime.parse(header.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
                return Math.max(0, Duration.between(now, when).toSeconds());
            } catch (DateTimeParseException neither) {
                return null;
            }
        }
    }

    private static boolean contextLength(String body) {
        return body.contains("context_length_exceeded");
    }

    /** The message text of an Inkeep error; empty if there is none. */
    static String said(String body) {
        try {
            JsonNode error = JSON.readTree(body);
            for (String path : new String[]{ "/detail", "/error/message", "/error", "/message" }) {
                if (error.at(path).isTextual()) {
                    return error.at(path).asText();
                }
            }
        } catch (JsonProcessingException e) {
            // A proxy's page, or a partial answer: the status is sufficient.
            return "";
        }
        return "";
    }

    /** One line of bounded length. */
    static String shortened(String text) {
        String line = text.replaceAll("\\s+", " ").strip();
        return SurrogateJoiner.of(line.length() <= LONGEST ? line : line.substring(0, LONGEST))
                + (line.length() <= LONGEST ? "" : "…");
    }
}
