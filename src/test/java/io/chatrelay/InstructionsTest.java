package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.quarkus.test.junit.QuarkusTest;

/** Which system messages an upstream without memory is told: those of the newest request that gave any. */
@QuarkusTest
class InstructionsTest extends ServiceTest {

    private final String conversation = newId();

    private ObjectNode body(String id, String text, String... instructions) {
        ObjectNode body = Json.ask(conversation, text).put("model", "cloud").put("stream", false);
        ArrayNode messages = body.withArray("/messages");
        if (id != null) {
            ((ObjectNode) messages.get(0)).put("id", id);
        }
        for (int i = 0; i < instructions.length; i++) {
            messages.insert(i, Json.of("{'role':'system'}").put("content", instructions[i]));
        }
        return body;
    }

    /** What goes up with a message, each as {@code role content}. */
    private List<String> told(String path, String id, String... instructions) {
        String mark = mark();
        Relay.Answer answer = relay().post(path, body(id, "echo " + mark, instructions));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode messages = emulator().asked(mark).getFirst().at("/body/messages");
        assertThat(messages.path(messages.size() - 1).path("content").asText()).isEqualTo("echo " + mark);
        return Json.each(messages, "/content").subList(0, messages.size() - 1).stream()
                .filter(content -> !content.matches("(echo )?\\d+")).toList();
    }

    private List<String> stored() {
        return messages(conversation).stream().filter(message -> message.path("role").asText().equals("system")).map(Json::text)
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void areThoseOfTheNewestRequestThatGaveAny(String path) {
        assertThat(told(path, null, "Be kind.", "It is 10:00.")).containsExactly("Be kind.", "It is 10:00.");
        assertThat(told(path, null, "Be kind.", "It is 10:01.")).containsExactly("Be kind.", "It is 10:01.");
        assertThat(told(path, null)).as("it gave none").containsExactly("Be kind.", "It is 10:01.");
        assertThat(told(path, null, "Be kind.", "It is 10:01.")).containsExactly("Be kind.", "It is 10:01.");
        assertThat(stored()).as("what is repeated is stored once").containsExactly("Be kind.", "It is 10:00.", "Be kind.",
                "It is 10:01.");
        assertThat(told(path, null, "It is 10:02.", "Be kind.")).as("in its order").containsExactly("It is 10:02.", "Be kind.");
        assertThat(told(path, null, "Be brief.")).as("all of them").containsExactly("Be brief.");
    }

    @Test
    void stayWhereWhatWasSaidIsSaidAnew() {
        told(CHAT, "m1", "Be kind.");
        told(CHAT, "m2", "Be brief.");

        assertThat(told(CHAT, "m1")).containsExactly("Be brief.");
        assertThat(told(CHAT, "m1", "Be brief.")).containsExactly("Be brief.");
        assertThat(stored()).containsExactly("Be kind.", "Be brief.");
    }

    @Test
    void ofATurnThatIsRefusedDoNotCount() {
        String id = "400 " + mark();
        assertThat(relay().post(CHAT, body(null, id, "Be rude.")).status()).isGreaterThanOrEqualTo(400);
        assertThat(told(CHAT, null)).as("of the first turn of all").isEmpty();
        told(CHAT, "m1", "Be kind.");

        assertThat(relay().post(CHAT, body(null, id, "Be rude.")).status()).isGreaterThanOrEqualTo(400);
        assertThat(relay().post(CHAT, body("m1", id, "Be rude.")).status()).isGreaterThanOrEqualTo(400);

        assertThat(told(CHAT, null)).containsExactly("Be kind.");
        assertThat(stored()).containsExactly("Be kind.");
    }

    @Test
    void thatAnEarlierVersionStoredAreOneSetUntilNewOnesCome() {
        told(CHAT, null, "Be kind.", "It is 10:00.");
        told(CHAT, null, "It is 10:01.");
        execute("""
                update message set turn_id = null, size = null
                where role = 'system' and conversation_id = (select id from conversation where external_id = ?)""",
                conversation);

        assertThat(told(CHAT, null)).containsExactly("Be kind.", "It is 10:00.", "It is 10:01.");
        assertThat(told(CHAT, null, "Be kind.", "It is 10:02.")).containsExactly("Be kind.", "It is 10:02.");
        assertThat(told(CHAT, null)).containsExactly("Be kind.", "It is 10:02.");
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void thatDoNotFitAreRefusedByTheMessageThatIsTooMuch(String path) {
        told(path, null, "Be kind.");

        assertInvalid(path, relay().post(path, body(null, "echo", "Be kind.", "x".repeat(300_000))), "messages[1]");
        assertInvalid(path, relay().post(path, body(null, "echo", "Be brief.\n".repeat(101).split("\n"))), "messages[100]");

        assertThat(told(path, null)).containsExactly("Be kind.");
    }
}
