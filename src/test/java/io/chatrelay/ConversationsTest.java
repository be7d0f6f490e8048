package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/**
 * Conversations as a caller keeps them, each with one running turn. One file, for its parts share what a conversation is seen by: rows,
 * pages and what went up.
 */
@QuarkusTest
class ConversationsTest extends ServiceTest {

    private static String path(String conversation) {
        return CONVERSATIONS + "/" + conversation;
    }

    @Nested
    class Looking {

        @Test
        void showsAConversationThatWasBegunByItsFirstMessage() {
            Sse turn = relay().send(CHAT, Json.ask("echo hello").put("user", "jane")).toEnd();

            JsonNode conversation = relay().get(path(turn.conversation())).json();

            assertThat(conversation.path("id").asText()).isEqualTo(turn.conversation());
            assertThat(conversation.path("upstream").asText()).isEqualTo("agents");
            assertThat(conversation.path("user").asText()).isEqualTo("jane");
            assertThat(conversation.path("properties").isObject()).isTrue();
            assertThat(conversation.path("createdAt").asText()).isNotEmpty();
            assertThat(conversation.path("updatedAt").asText()).isNotEmpty();
            assertThat(conversation.has("runningTurn")).isFalse();
        }

        @Test
        void showsTheTurnThatRunsInAConversation() {
            String mark = mark();
            Sse turn = relay().send(CHAT, Json.ask("slow 250 " + mark)).until(2);

            JsonNode running = relay().get(path(turn.conversation())).json().path("runningTurn");

            assertThat(running.path("id").asText()).isEqualTo(turn.turn());
            assertThat(running.path("conversationId").asText()).isEqualTo(turn.conversation());
            assertThat(running.path("state").asText()).isEqualTo("running");
            assertThat(running.path("startedAt").asText()).isNotEmpty();
            assertThat(running.has("outcome")).isFalse();
            assertThat(running.has("endedAt")).isFalse();
            emulator().hurry(mark);
            turn.toEnd();
            assertThat(relay().get(path(turn.conversation())).json().has("runningTurn")).isFalse();
        }

        @Test
        void listsMessagesNewestFirstAndPageByPage() {
            String id = newId();
            for (String word : List.of("one", "two", "three")) {
                relay().send(CHAT, Json.ask(id, "echo " + word)).toEnd();
            }

            List<String> texts = new ArrayList<>();
            String cursor = "";
            int pages = 0;
            do {
                JsonNode page = relay().get(path(id) + "/messages?limit=4" + cursor).json();
                page.path("data").forEach(message -> texts.add(message.path("role").asText() + " " + Json.text(message)));
                cursor = page.has("nextCursor") ? "&cursor=" + page.path("nextCursor").asText() : null;
                pages++;
            } while (cursor != null);

            assertThat(pages).isEqualTo(2);
            assertThat(texts).containsExactly("assistant three", "user echo three", "assistant two", "user echo two",
                    "assistant one", "user echo one");
        }

        @Test
        void listsMessagesWithoutTheAnswerThatIsStillComing() {
            String mark = mark();
            Sse turn = relay().send(CHAT, Json.ask("slow 250 " + mark)).untilText();

            assertThat(messages(turn.conversation())).extracting(message -> message.path("role").asText())
                    .containsExactly("user");
            emulator().hurry(mark);
            turn.toEnd();
            assertThat(messages(turn.conversation())).hasSize(2);
        }

        @Test
        void showsAMessageAsUseChatTakesIt() {
            Sse turn = relay()
                    .send(CHAT, Json.of("{'messages':[{'id':'m1','role':'user','parts':[{'type':'text','text':'echo hi'}]}]}"))
                    .toEnd();

            List<JsonNode> messages = messages(turn.conversation());

            assertThat(messages.getFirst().path("id").asText()).isEqualTo("m1");
            assertThat(messages.getFirst().at("/metadata/turnId").asText()).isEqualTo(turn.turn());
            assertThat(messages.getLast().at("/metadata/turnId").asText()).isEqualTo(turn.turn());
            assertThat(messages.getLast().at("/metadata/conversationId").asText()).isEqualTo(turn.conversation());
            assertThat(messages.getLast().at("/metadata/finishReason").asText()).isEqualTo("stop");
            assertThat(Json.each(messages.getLast().path("parts"), "/type")).contains("step-start", "text");
        }

        @Test
        void listsConversationsNewestFirstPageByPage() {
            List<String> mine = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                mine.addFirst(relay().send(CHAT, Json.ask("echo " + i)).toEnd().conversation());
            }

            List<String> ids = new ArrayList<>();
            String cursor = "";
            while (cursor != null && ids.size() < 5) {
                JsonNode page = relay().get(CONVERSATIONS + "?limit=2" + cursor).json();
                assertThat(page.path("data").size()).isEqualTo(2);
                ids.addAll(Json.each(page.path("data"), "/id"));
                cursor = page.has("nextCursor") ? "&cursor=" + page.path("nextCursor").asText() : null;
            }

            assertThat(ids.subList(0, 5)).isEqualTo(mine);
        }

        @Test
        void listsTheModels() {
            JsonNode models = relay().get("/run/v1/models").json();

            assertThat(models.path("object").asText()).isEqualTo("list");
            assertThat(Json.each(models.path("data"), "/id")).contains("agents", "cloud", "inkeep-qa-expert");
        }
    }

    @Nested
    class Changing {

        @Test
        void titleAndPropertiesAndNothingElse() {
            String id = relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();

            JsonNode changed = relay().patch(path(id), Json.of("{'title':'T','properties':{'a':{'b':[1,null]}}}")).json();
            JsonNode retitled = relay().patch(path(id), Json.of("{'title':'U'}")).json();
            JsonNode untitled = relay().patch(path(id), Json.of("{'title':null}")).json();

            assertThat(changed.path("title").asText()).isEqualTo("T");
            assertThat(changed.path("properties")).isEqualTo(Json.of("{'a':{'b':[1,null]}}"));
            assertThat(retitled.path("title").asText()).isEqualTo("U");
            assertThat(retitled.path("properties")).isEqualTo(changed.path("properties"));
            assertThat(untitled.has("title")).isFalse();
            assertThat(relay().get(path(id)).json().path("properties")).isEqualTo(changed.path("properties"));
        }

        @Test
        void whileATurnRunsDisturbsNothing() {
            Sse turn = relay().send(CHAT, Json.ask("slow 20")).until(2);

            assertThat(relay().patch(path(turn.conversation()), Json.of("{'title':'T'}")).status()).isEqualTo(200);

            assertThat(turn.toEnd().done()).isTrue();
            assertThat(relay().get(path(turn.conversation())).json().path("title").asText()).isEqualTo("T");
        }
    }

    @Nested
    class Erasing {

        @Test
        void isRefusedWhileATurnRuns() {
            String mark = mark();
            Sse turn = relay().send(CHAT, Json.ask("slow 250 " + mark)).until(2);

            Relay.Answer refused = relay().delete(path(turn.conversation()));

            assertError(path(turn.conversation()), refused, 409, "turn_running");
            assertThat(refused.json().at("/turn/id").asText()).isEqualTo(turn.turn());
            emulator().hurry(mark);
            assertThat(turn.toEnd().done()).isTrue();
        }

        @Test
        void leavesNoRowInAnyTable() {
            String id = newId();
            Sse first = relay().send(CHAT, Json.ask(id, "echo one")).toEnd();
            Sse second = relay().send(CHAT, Json.ask(id, "echo two")).toEnd();
            String own = query("select id from conversation where external_id = ?", id).getFirst();

            assertThat(relay().delete(path(id)).status()).isEqualTo(204);

            assertThat(query("select id from conversation where external_id = ?", id)).isEmpty();
            assertThat(query("select id from turn where conversation_id::text = ?", own)).isEmpty();
            assertThat(query("select id from message where conversation_id::text = ?", own)).isEmpty();
            assertThat(query("select first from turn_event where turn_id::text in (?, ?)", first.turn(), second.turn()))
                    .isEmpty();
            assertError(path(id), relay().get(path(id)), 404, "not_found");
            assertError(path(id), relay().delete(path(id)), 404, "not_found");
        }

        @Test
        void leavesTheConversationsIdFree() {
            String id = newId();
            relay().send(CHAT, Json.ask(id, "echo one")).toEnd();
            relay().delete(path(id));

            relay().send(CHAT, Json.ask(id, "echo anew")).toEnd();

            assertThat(messages(id)).extracting(Json::text).containsExactly("echo anew", "anew");
        }
    }

    @Nested
    class OneTurnAtATime {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void aSecondSendIsTurnedAwayWithTheNameOfTheFirst(String path) {
            String id = newId();
            String mark = mark();
            Sse running = relay().send(CHAT, Json.ask(id, "slow 250 " + mark)).until(2);

            Relay.Answer conflict = relay().post(path, Json.ask(id, "echo me too"));

            assertError(path, conflict, 409, "turn_running");
            assertThat(conflict.json().at("/turn/id").asText()).isEqualTo(running.turn());
            assertThat(conflict.json().at("/turn/state").asText()).isEqualTo("running");
            assertThat(conflict.json().path("detail").asText()).contains(running.turn());
            assertThat(conflict.header("x-should-retry")).isEqualTo("false");
            emulator().hurry(mark);
            assertThat(running.toEnd().done()).isTrue();
            assertThat(messages(id)).hasSize(2);

            assertThat(relay().send(path, Json.ask(id, "echo now").put("stream", true)).toEnd().answer()).isEqualTo("now");
        }

        @Test
        void aConversationStaysWithItsUpstream() {
            String id = newId();
            relay().send(CHAT, Json.ask(id, "echo one").put("model", "cloud")).toEnd();

            Sse second = relay().send(CHAT, Json.ask(id, "who are you")).toEnd();
            Relay.Answer refused = relay().post(CHAT, Json.ask(id, "echo two").put("model", "agents"));

            assertThat(second.answer()).contains("fake cloud model");
            assertInvalid(CHAT, refused, "model");
        }
    }

    @Nested
    class SayingItAnew {

        private final String id = newId();

        private Sse say(String messageId, String text) {
            return say("cloud", messageId, text);
        }

        private Sse say(String upstream, String messageId, String text) {
            return relay().send(CHAT, Json.of("{'id':'%s','model':'%s','trigger':'submit-message','messages':[{'id':'%s',"
                    .formatted(id, upstream, messageId)
                    + "'role':'user','parts':[{'type':'text','text':'%s'}]}]}".formatted(text)));
        }

        private List<String> texts() {
            return messages(id).stream().map(Json::text).toList();
        }

        @Test
        void anEditIsANewTurnAndWhatFollowedIsNoLongerSaid() {
            String mark = mark();
            say("m1", "echo one").toEnd();
            Sse before = say("m2", "echo two").toEnd();
            say("m3", "echo three").toEnd();

            Sse edited = say("m2", "echo else").toEnd();
            say("m4", "echo last " + mark).toEnd();

            assertThat(edited.turn()).isNotEqualTo(before.turn());
            assertThat(texts()).containsExactly("echo one", "one", "echo else", "else", "echo last " + mark, "last " + mark);
            assertThat(Json.each(emulator().asked("last " + mark).getFirst().at("/body/messages"), "/content"))
                    .isEqualTo(texts().subList(0, 5));
            assertThat(relay().read(path(id) + "/stream?turn=" + before.turn()).toEnd().text())
                    .as("the old turn can still be read").isEqualTo(before.text());
        }

        @Test
        void anotherAnswerIsANewTurnThoughTheMessageIsTheSame() {
            for (String upstream : List.of("agents", "cloud")) {
                Sse first = say(upstream, "m-" + upstream, "echo one").toEnd();

                Sse second = say(upstream, "m-" + upstream, "echo one").toEnd();

                assertThat(second.status()).as(second.text()).isEqualTo(200);
                assertThat(second.turn()).isNotEqualTo(first.turn());
                assertThat(second.events().getFirst().json().path("messageId").asText())
                        .isNotEqualTo(first.events().getFirst().json().path("messageId").asText());
                assertThat(texts()).containsExactly("echo one", "one");
                relay().delete(path(id));
            }
        }

        @Test
        void anEditThatInkeepRefusesLeavesWhatWasSaid() {
            say("m1", "echo one").toEnd();
            say("m2", "echo two").toEnd();

            Sse refused = say("m1", "500 9 " + mark()).toEnd();

            assertThat(refused.status()).isEqualTo(502);
            assertThat(texts()).containsExactly("echo one", "one", "echo two", "two");
            assertThat(say("m2", "echo else").toEnd().done()).isTrue();
            assertThat(texts()).containsExactly("echo one", "one", "echo else", "else");
        }
    }

    @Nested
    class GoingUpToCloud {

        @Test
        void isTheWholeHistoryInOrder() {
            String id = newId();
            String mark = mark();
            relay().send(CHAT,
                    Json.of("{'conversationId':'%s','model':'cloud','messages':[{'role':'system','content':'be kind'},"
                            .formatted(id) + "{'role':'user','content':'echo one'}]}"))
                    .toEnd();
            relay().send(COMPLETIONS, Json.ask(id, "echo two").put("stream", true)).toEnd();

            relay().send(CHAT, Json.ask(id, "echo three " + mark)).toEnd();

            JsonNode messages = emulator().asked("three " + mark).getFirst().at("/body/messages");
            assertThat(Json.each(messages, "/role")).containsExactly("system", "user", "assistant", "user", "assistant",
                    "user");
            assertThat(Json.each(messages, "/content")).containsExactly("be kind", "echo one", "one", "echo two", "two",
                    "echo three " + mark);
        }

        @Test
        void isWhatIsStoredWhateverTheRequestRepeats() {
            String id = newId();
            String mark = mark();
            relay().send(CHAT, Json.ask(id, "echo one").put("model", "cloud")).toEnd();

            relay().send(CHAT, Json.of("{'conversationId':'%s','messages':[{'role':'user','content':'never said'},"
                    .formatted(id)
                    + "{'role':'assistant','content':'never answered'},{'role':'user','content':'echo %s'}]}"
                            .formatted(mark)))
                    .toEnd();

            assertThat(Json.each(emulator().asked(mark).getFirst().at("/body/messages"), "/content"))
                    .containsExactly("echo one", "one", "echo " + mark);
        }

        @Test
        void isWhatTheFirstRequestSaysOfAPastElsewhere() {
            String mark = mark();
            Sse turn = relay().send(CHAT, Json.of("{'model':'cloud','messages':[{'role':'user','content':'hi'},"
                    + "{'role':'assistant','content':'hello'},{'role':'user','content':'echo %s'}]}".formatted(mark))).toEnd();

            assertThat(Json.each(emulator().asked(mark).getFirst().at("/body/messages"), "/content"))
                    .containsExactly("hi", "hello", "echo " + mark);
            assertThat(messages(turn.conversation())).hasSize(4);
        }

        @Test
        void areTheSettingsThatItKnows() {
            String mark = mark();
            relay().send(COMPLETIONS,
                    Json.of("{'model':'inkeep-qa-expert','stream':true,'temperature':0.5,'top_p':0.9,'max_tokens':7,"
                            + "'tools':[{'type':'function','function':{'name':'provideLinks'}}],'tool_choice':'auto','user':'jane',"
                            + "'messages':[{'role':'user','content':'echo %s'}]}".formatted(mark)))
                    .toEnd();

            JsonNode body = emulator().asked(mark).getFirst().path("body");
            assertThat(body.path("model").asText()).isEqualTo("inkeep-qa-expert");
            assertThat(body.path("temperature").asDouble()).isEqualTo(0.5);
            assertThat(body.path("top_p").asDouble()).isEqualTo(0.9);
            assertThat(body.path("max_tokens").asInt()).isEqualTo(7);
            assertThat(body.at("/tools/0/function/name").asText()).isEqualTo("provideLinks");
            assertThat(body.path("tool_choice").asText()).isEqualTo("auto");
            assertThat(body.path("user").asText()).isEqualTo("jane");
        }
    }

    @Nested
    class GoingUpToAgents {

        @Test
        void isTheNewestMessageAloneAndNeverAnOldApproval() {
            String id = newId();
            String mark = mark();
            relay().send(CHAT, Json.ask(id, "echo one")).toEnd();

            Sse turn = relay().send(CHAT,
                    Json.of("""
                            {'id':'%s','trigger':'submit-message','messages':[
                             {'id':'a','role':'user','parts':[{'type':'text','text':'echo one'}]},
                             {'id':'b','role':'assistant','parts':[{'type':'step-start'},{'type':'tool-delete_file','toolCallId':'call_1',
                              'state':'approval-responded','input':{},'approval':{'id':'aitxt-call_1','approved':true}}]},
                             {'id':'c','role':'user','parts':[{'type':'text','text':'echo two %s'}]}]}"""
                            .formatted(id, mark)))
                    .toEnd();

            assertThat(turn.answer()).isEqualTo("two " + mark);
            JsonNode body = emulator().asked("two " + mark).getFirst().path("body");
            assertThat(body.path("messages").size()).isEqualTo(1);
            assertThat(body.at("/messages/0/content").asText()).isEqualTo("echo two " + mark);
            assertThat(body.toString()).doesNotContain("approval", "call_1");
        }

        @Test
        void areTheFieldsOfTheDocumentedApi() {
            String mark = mark();
            for (String path : List.of(CHAT, COMPLETIONS)) {
                relay().send(path, Json.of("{'stream':true,'max_tokens':9,'headers':{'x-shop':'eu'},'runConfig':{'a':[1]},"
                        + "'userProperties':{'u':1},'properties':{'p':2},'tools':['search'],'messages':[{'role':'user',"
                        + "'content':'echo %s'}]}".formatted(mark))).toEnd();
            }

            assertThat(emulator().asked(mark)).hasSize(2).allSatisfy(asked -> {
                JsonNode body = asked.path("body");
                assertThat(body.path("max_tokens").asInt()).isEqualTo(9);
                assertThat(body.path("headers")).isEqualTo(Json.of("{'x-shop':'eu'}"));
                assertThat(body.path("runConfig")).isEqualTo(Json.of("{'a':[1]}"));
                assertThat(body.path("userProperties")).isEqualTo(Json.of("{'u':1}"));
                assertThat(body.path("properties")).isEqualTo(Json.of("{'p':2}"));
                assertThat(body.at("/tools/0").asText()).isEqualTo("search");
                assertThat(body.path("stream").asBoolean()).isTrue();
            });
        }

        @Test
        void areTheHeadersOfTheListAndNoOthers() {
            String mark = mark();
            relay().with("x-emit-operations", "true")
                    .with("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                    .with("cookie", "session=secret").with("x-target-project-id", "theirs").with("x-forwarded-cookie", "secret")
                    .with("x-foo", "bar").send(CHAT, Json.ask("echo " + mark)).toEnd();

            JsonNode headers = emulator().asked(mark).getFirst().path("headers");
            assertThat(headers.path("x-emit-operations").asText()).isEqualTo("true");
            assertThat(headers.path("traceparent").asText()).startsWith("00-0af7651916cd43dd8448eb211c80319c-");
            assertThat(headers.fieldNames()).toIterable().isNotEmpty().doesNotContain("cookie", "x-target-project-id",
                    "x-forwarded-cookie", "x-foo", "idempotency-key").isSubsetOf(allowed());
            assertThat(headers.toString()).doesNotContain("secret");
        }

        private List<String> allowed() {
            return List
                    .of("x-emit-operations", "traceparent", "authorization", "content-type", "content-length", "accept", "host")
                    .stream().sorted(Comparator.naturalOrder()).toList();
        }

        @Test
        void areImagesAndFilesAsInkeepTakesThem() {
            String mark = mark();
            relay().send(CHAT,
                    Json.of("""
                            {'messages':[{'role':'user','parts':[{'type':'text','text':'echo %s'},
                             {'type':'file','mediaType':'image/png','url':'data:image/png;base64,AA=='},
                             {'type':'file','mediaType':'application/pdf','url':'https://x/y.pdf','filename':'y.pdf'}]}]}"""
                            .formatted(mark)))
                    .toEnd();

            JsonNode parts = emulator().asked(mark).getFirst().at("/body/messages/0/parts");
            assertThat(Json.each(parts, "/type")).containsExactly("text", "image", "file");
            assertThat(parts.at("/1/text").asText()).isEqualTo("data:image/png;base64,AA==");
            assertThat(parts.at("/2/filename").asText()).isEqualTo("y.pdf");
        }
    }
}
