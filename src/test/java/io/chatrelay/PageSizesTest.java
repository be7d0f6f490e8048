package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.quarkus.test.junit.QuarkusTest;

/** Pages are bounded in bytes, whatever was stored, and whoever stored it. */
@QuarkusTest
class PageSizesTest extends ApprovalsTest {

    private static final int LARGEST_PAGE = 4 << 20;
    private static final String OF_CONVERSATION = " where conversation_id = (select id from conversation where external_id = ?)";

    private String said() {
        return relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();
    }

    private Relay.Answer change(String conversation, int bytes) {
        String properties = "{\"a\":\"%s\"}".formatted("é".repeat((bytes - 8) / 2));
        return relay().patch(CONVERSATIONS + "/" + conversation, "{\"properties\":" + properties + "}");
    }

    @Test
    void propertiesHaveABound() {
        String conversation = said();

        assertThat(change(conversation, 16 * 1024).status()).isEqualTo(200);
        assertInvalid(CONVERSATIONS, change(conversation, 16 * 1024 + 2), "properties");
        assertThat(relay().get(CONVERSATIONS + "/" + conversation).json().at("/properties/a").asText()).hasSize(8188);
    }

    @Test
    void aListLeavesOutPropertiesThatAnEarlierVersionStoredLargeAndSaysSo() {
        List<String> conversations = new ArrayList<>();
        for (int bytes : new int[]{ 100, 17 * 1024, 5 << 20 }) {
            String conversation = said();
            conversations.addFirst(conversation);
            execute("""
                    update conversation set properties = jsonb_build_object('a', repeat('y', ?)), properties_size = null
                    where external_id = ?""", bytes, conversation);
        }

        JsonNode page = relay().get(CONVERSATIONS + "?limit=3").json().path("data");

        assertThat(Json.each(page, "/id")).isEqualTo(conversations);
        for (JsonNode one : List.of(page.path(0), page.path(1))) {
            assertThat(Json.each(one.path("omitted"), "")).containsExactly("properties");
            assertThat(one.has("properties")).isFalse();
        }
        assertThat(page.path(2).at("/properties/a").asText()).hasSize(100);
        assertThat(page.path(2).has("omitted")).isFalse();
        JsonNode whole = relay().get(CONVERSATIONS + "/" + conversations.getFirst()).json();
        assertThat(whole.at("/properties/a").asText()).hasSize(5 << 20);
        assertThat(whole.has("omitted")).isFalse();
    }

    @Test
    void sizesAreStoredWithWhatTheyMeasure() {
        Waiting waiting = waiting(TWO);
        relay().post(DECIDE, waiting.decision(0, true));
        relay().post(DECIDE, waiting.decision(1, true));
        awaitEnd(waiting.conversation());

        assertThat(query("""
                select role from message %s
                  and size between octet_length(parts::text) / 2
                           and octet_length(parts::text) + coalesce(octet_length(usage::text), 0) order by position"""
                .formatted(OF_CONVERSATION), waiting.conversation())).containsExactly("user", "assistant");
        assertThat(query("select size - octet_length(tool_name) - octet_length(input) from tool_approval" + OF_CONVERSATION,
                waiting.conversation())).containsExactly("0", "0");
    }

    /** @param measured whether this version stored them */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void messagesAndApprovalsFillPagesByTheirBytes(boolean measured) {
        Waiting waiting = waiting(TWO);
        int bytes = LARGEST_PAGE / 2 + 1000;
        execute("""
                update message set parts = jsonb_build_array(jsonb_build_object('type', 'text', 'text', repeat('y', ?))),
                                   size = ?::int""" + OF_CONVERSATION, bytes, measured ? bytes : null,
                waiting.conversation());
        execute("update tool_approval set input = '\"' || repeat('é', ?) || '\"', size = ?::int" + OF_CONVERSATION, bytes / 2,
                measured ? bytes : null, waiting.conversation());
        relay().post(CONVERSATIONS + "/" + waiting.conversation() + "/cancel", "");
        awaitEnd(waiting.conversation());

        assertPages("/run/v1/tool-approvals?conversationId=" + waiting.conversation() + "&cursor=", 2);
        String messages = CONVERSATIONS + "/" + waiting.conversation() + "/messages?order=";
        assertThat(relay().get(messages + "desc").json().path("data").size()).isEqualTo(2);
        execute("update message set size = ?::int" + OF_CONVERSATION, measured ? LARGEST_PAGE : null, waiting.conversation());
        if (measured) {
            assertPages(messages + "desc&cursor=", 2);
            assertPages(messages + "asc&cursor=", 2);
        }
    }

    /** One entry a page. */
    private void assertPages(String path, int pages) {
        String cursor = null;
        for (int i = 0; i < pages; i++) {
            JsonNode page = relay().get(cursor == null ? path.substring(0, path.lastIndexOf('&')) : path + cursor).json();
            assertThat(page.path("data").size()).as("page %d of %s", i, path).isEqualTo(1);
            assertThat(page.has("nextCursor")).isEqualTo(i < pages - 1);
            cursor = page.path("nextCursor").asText();
        }
    }
}
