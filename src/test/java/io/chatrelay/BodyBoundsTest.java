package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.quarkus.test.junit.QuarkusTest;

/** A body that is small on the line and large in the heap is one clear error, and nothing is built of it. */
@QuarkusTest
class BodyBoundsTest extends ServiceTest {

    private static final int MANY = 300_000;
    private static final String USER = "\"messages\":[{\"role\":\"user\",\"content\":\"echo hi\"}]";

    private static String list(int times, IntFunction<String> one) {
        return IntStream.range(0, times).mapToObj(one).collect(Collectors.joining(","));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = { "{}", "[]", "{\"a\":{}}", "0", "\"\"", "[[],[]]" })
    void manyValuesAreRefusedBeforeAnyIsBuilt(String value) {
        String body = "{%s,\"runConfig\":{\"x\":[%s]}}".formatted(USER, list(MANY, _ -> value));

        for (String path : List.of(CHAT, COMPLETIONS, "/run/api/tool-approvals")) {
            Relay.Answer refused = relay().post(path, body);

            assertThat(refused.status()).as(path).isEqualTo(400);
            assertThat(refused.json().path("field").asText()).isEqualTo("body");
            assertThat(refused.json().path("detail").asText()).contains("200000 JSON values",
                    "chat-relay.requests.max-values");
        }
    }

    @Test
    void bracketsThatOnlyOpenAreRefused() {
        assertInvalid(CHAT, relay().post(CHAT, "[".repeat(MANY)), "body");
        assertInvalid(CHAT, relay().post(CHAT, "{\"a\":".repeat(MANY)), "body");
    }

    @Test
    void manyMessagesAndPartsAreRefusedByTheirField() {
        String message = "{\"role\":\"user\",\"content\":\"x\"}";
        String part = "{\"type\":\"text\",\"text\":\"x\"}";
        for (String path : List.of(CHAT, COMPLETIONS)) {
            assertInvalid(path, relay().post(path, "{\"messages\":[%s]}".formatted(list(2_001, _ -> message))), "messages");
            assertInvalid(path, relay().post(path, "{\"messages\":[%s,{\"role\":\"user\",\"content\":[%s]}]}"
                    .formatted(message, list(1_001, _ -> part))), "messages[1].content");
        }
        assertInvalid(CHAT, relay().post(CHAT, "{\"messages\":[{\"role\":\"user\",\"parts\":[%s]}]}"
                .formatted(list(1_001, _ -> part))), "messages[0].parts");
    }

    @ParameterizedTest
    @ValueSource(strings = { "1e999999999", "-0e-999999999", "1E99999999999999999999", "0.1e-2147483649", "1e1000" })
    void aNumberWithoutEndIsRefusedByItsField(String number) {
        refusesNumber(number);
    }

    @Test
    void aNumberOfAThousandDigitsIsRefusedByItsField() {
        refusesNumber("7".repeat(1_000));
        refusesNumber("7".repeat(100_000));
        refusesNumber("0." + "7".repeat(1_000));
    }

    private void refusesNumber(String number) {
        for (String path : List.of(CHAT, COMPLETIONS)) {
            assertInvalid(path, relay().post(path, "{%s,\"temperature\":%s}".formatted(USER, number)), "temperature");
            assertInvalid(path, relay().post(path, "{%s,\"runConfig\":{\"a\":[0,{\"b\":%s}]}}".formatted(USER, number)),
                    "runConfig.a[1].b");
        }
        String conversation = CONVERSATIONS + "/" + relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();
        assertInvalid(conversation, relay().patch(conversation, "{\"properties\":{\"n\":%s}}".formatted(number)),
                "properties.n");
    }

    @Test
    void aFieldThatIsThereTwiceIsNotDroppedSilently() {
        Relay.Answer refused = relay().post(CHAT, "{%s,\"conversationId\":\"a\",\"conversationId\":\"b\"}".formatted(USER));

        assertInvalid(CHAT, refused, "body");
        assertThat(refused.json().path("detail").asText()).contains("a field twice");
    }

    /** Names that Java's strings, or Jackson's table of names, take for the same. */
    @Test
    void namesThatCollideAreHarmless() {
        String twins = list(20_000, i -> "\"%s\":0".formatted(Integer.toBinaryString(i + (1 << 15)).replace("0", "Aa")
                .replace("1", "BB")));

        String body = "{%s,\"runConfig\":{%s}}".formatted(USER, twins);

        assertThat(relay().post(COMPLETIONS, body).status()).isLessThan(500);
        for (int i = 0; i < 200; i++) {
            // Names that nobody has sent before: all callers share what a parser remembers.
            Relay.Answer refused = relay().post(CHAT, "{%s,\"fresh%d\":1,\"onRunning\":7}".formatted(USER, i));
            assertThat(refused.json().path("field").asText()).as(refused.body()).isEqualTo("onRunning");
        }
    }
}
