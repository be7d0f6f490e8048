package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Failure.Code;

class ErrorResponsesTest {

    private static final Instant NOW = Instant.parse("2026-11-22T16:00:00Z");

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    agents/11b-chat-duplicate-message-id-409   | UPSTREAM_UNAVAILABLE    | Send it again as a new turn
                    agents/37b-approval-unknown-conversation   | UPSTREAM_UNAVAILABLE    | 404: Conversation not found
                    agents/37c-approval-missing-conversation-id | UPSTREAM_REFUSED       | conversationId is required
                    agents/38-tool-approvals-endpoint-head     | UPSTREAM_UNAVAILABLE    | The {upstream} answered 404
                    agents/40-chat-no-auth-401                 | UPSTREAM_UNAUTHORIZED   | check the upstream's api-key
                    agents/43-chat-unknown-key                 | UPSTREAM_UNAUTHORIZED   | check the upstream's api-key
                    agents/44-chat-malformed-json              | UPSTREAM_REFUSED        | Malformed JSON in request body
                    agents/45-chat-missing-messages            | UPSTREAM_REFUSED        | expected array, received undefined
                    agents/46-chat-messages-wrong-type         | UPSTREAM_REFUSED        | expected array, received string
                    agents/47c-chat-bad-role                   | UPSTREAM_REFUSED        | Invalid option: expected one of
                    agents/49a-chat-unknown-agent-via-bypass   | UPSTREAM_UNAVAILABLE    | The {upstream} answered 500: An internal server error
                    agents/63d-resume-unknown-conversation     | UPSTREAM_UNAVAILABLE    | 404: Conversation not found
                    legacy/37a-tool-approvals-unknown-toolcallid | UPSTREAM_UNAVAILABLE  | 404: Tool call not found
                    legacy/37c-tool-approvals-missing-fields   | UPSTREAM_REFUSED        | expected string, received undefined
                    legacy/37d-tool-approvals-no-auth          | UPSTREAM_UNAUTHORIZED   | check the upstream's api-key
                    cloud/40-unauthorized                      | UPSTREAM_UNAUTHORIZED   | check the upstream's api-key
                    cloud/41-too-many-requests                 | UPSTREAM_RATE_LIMITED   | Rate limit reached
                    cloud/42-context-length                    | CONTEXT_LENGTH_EXCEEDED | Too many tokens
                    """)
    void everyShapeOfErrorIsUnderstood(String recording, Code code, String says) {
        Recording answer = Recording.load(recording);

        Failure failure = ErrorResponses.of(answer.status(), answer.body(), null);

        assertThat(failure.code()).isEqualTo(code);
        assertThat(failure.message()).contains(says).doesNotContain("\n").hasSizeLessThan(600);
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "   ", "<html>Bad gateway</html>", "{\"detail\":", "[]", "null", "17", "{\"error\":{}}",
            "{\"detail\":{\"a\":1}}" })
    void aBodyWithoutAReasonLeavesTheStatusToSpeak(String body) {
        assertThat(ErrorResponses.of(502, body, null).message()).isEqualTo("The {upstream} answered 502");
    }

    @Test
    void aLongReasonIsCutToOneLineOfBoundedLength() {
        String reason = ErrorResponses.of(400, "{\"message\":\"%s\"}".formatted("line \\n".repeat(1000)), null).message();

        assertThat(reason).hasSizeLessThan(600).endsWith("…").doesNotContain("\n");
    }

    @Test
    void whatAKeyWasRefusedForIsNotTold() {
        assertThat(ErrorResponses.of(401, "{\"detail\":\"Invalid key sk-123\"}", null).message()).doesNotContain("sk-123");
    }

    @Test
    void howLongToWaitGoesWithTheRefusal() {
        assertThat(ErrorResponses.of(429, "", 7L).retryAfter()).isEqualTo(7);
        assertThat(ErrorResponses.of(503, "", 7L).retryAfter()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({ "400,false", "401,false", "404,false", "408,false", "409,false", "429,true", "500,false", "502,true",
            "503,true", "504,true" })
    void onlyWhatMayPassByItselfIsTriedAgain(int status, boolean again) {
        assertThat(ErrorResponses.isWorthAnotherTry(status)).isEqualTo(again);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "null", textBlock = """
            null                            | null
            0                               | 0
            30                              | 30
            ' 30 '                          | 30
            -5                              | 0
            Sun, 22 Nov 2026 16:01:30 GMT   | 90
            Sun, 22 Nov 2026 15:59:00 GMT   | 0
            ''                              | null
            soon                            | null
            1.5                             | null
            99999999999999999999            | null
            2026-11-22T16:01:30Z            | null
            """)
    void retryAfterIsANumberOrADate(String header, Long seconds) {
        assertThat(ErrorResponses.retryAfter(header, NOW)).isEqualTo(seconds);
    }
}
