package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** One clear error with the field's name, nothing stored, Inkeep not asked; and what only looks wrong is taken. */
@QuarkusTest
class BadInputTest extends ServiceTest {

    private static final String USER = "'messages':[{'role':'user','content':'echo hi'}]";

    /** What has to stay as it is. Inkeep is asked for a turn alone, so without one it was not. */
    private List<String> traces() {
        return query("select count(*) from conversation union all select count(*) from turn");
    }

    /** A refusal on both paths that chat, or on the one that is named. */
    private Relay.Answer refuses(String path, String json) {
        return relay().answer("POST", path, BodyPublishers.ofString(json.replace('\'', '"')));
    }

    @Nested
    class IsRefused {

        private List<String> before;

        @BeforeEach
        void remember() {
            before = traces();
        }

        @AfterEach
        void leavesNoTrace() {
            assertThat(traces()).isEqualTo(before);
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
                "body|",
                "body|{",
                "body|[]",
                "body|'text'",
                "body|null",
                "body|{} {}",
                "body|{'messages':[{'role':'user','content':'x'}]",
                "messages|{}",
                "messages|{'messages':null}",
                "messages|{'messages':[]}",
                "messages|{'messages':{}}",
                "messages|{'messages':'hi'}",
                "messages[0]|{'messages':['hi']}",
                "messages[1]|{'messages':[{'role':'user','content':'x'},null]}",
                "messages[0].role|{'messages':[{'content':'hi'}]}",
                "messages[0].role|{'messages':[{'role':'owner','content':'hi'}]}",
                "messages[0].role|{'messages':[{'role':7,'content':'hi'}]}",
                "messages|{'messages':[{'role':'system','content':'hi'}]}",
                "messages|{'messages':[{'role':'assistant','content':'hi'}]}",
                "messages[1].role|{'messages':[{'role':'user','content':'hi'},{'role':'assistant','content':'hi'}]}",
                "messages[1].role|{'messages':[{'role':'user','content':'hi'},{'role':'system','content':'hi'}]}",
                "messages[0].content|{'messages':[{'role':'user'}]}",
                "messages[0].content|{'messages':[{'role':'user','content':''}]}",
                "messages[0].content|{'messages':[{'role':'user','content':7}]}",
                "messages[0].content|{'messages':[{'role':'user','content':{}}]}",
                "messages[0].content|{'messages':[{'role':'user','content':[]}]}",
                "messages[0].content[0]|{'messages':[{'role':'user','content':['x']}]}",
                "messages[0].content[0].type|{'messages':[{'role':'user','content':[{}]}]}",
                "messages[0].content[0].text|{'messages':[{'role':'user','content':[{'type':'text'}]}]}",
                "messages[0].content[0].text|{'messages':[{'role':'user','content':[{'type':'text','text':{}}]}]}",
                "messages[0].content[0].image_url|{'messages':[{'role':'user','content':[{'type':'image_url'}]}]}",
                "messages[0].content[0].image_url.url|{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{}}]}]}",
                "messages[0].content[0].type|{'messages':[{'role':'user','content':[{'type':'input_audio','input_audio':{}}]}]}",
                "messages[0].parts|{'messages':[{'role':'user','parts':[]}]}",
                "messages[0].parts|{'messages':[{'role':'user','parts':'hi'}]}",
                "messages[0].parts[0].type|{'messages':[{'role':'user','parts':[{'text':'hi'}]}]}",
                "messages[0].parts[0].type|{'messages':[{'role':'user','parts':[{'type':'hologram'}]}]}",
                "messages[0].parts[0].url|{'messages':[{'role':'user','parts':[{'type':'file','mediaType':'text/plain'}]}]}",
                "messages[0].parts[0].mediaType|{'messages':[{'role':'user','parts':[{'type':'file','url':'x'}]}]}",
                "messages[0].content[0].image_url.size|{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'x','size':7}}]}]}",
                "messages[0].content[0].image_url.detail|{'messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'x','detail':7}}]}]}",
                "messages[0].content[0].cache_control|{'messages':[{'role':'user','content':[{'type':'text','text':'x','cache_control':{'type':'a'}}]}]}",
                "messages[0].parts[0].providerMetadata|{'messages':[{'role':'user','parts':[{'type':'text','text':'x','providerMetadata':{'a':{'b':1}}}]}]}",
                "messages[0].parts[0].transient|{'messages':[{'role':'user','parts':[{'type':'data-x','data':1,'transient':true}]}]}",
                "messages[0].parts[0].file|{'messages':[{'role':'user','parts':[{'type':'file','file':{'file_id':'f'}}]}]}",
                "messages[0].refusal|{'messages':[{'role':'user','content':'hi','refusal':'no'}]}",
                "messages[0].audio|{'messages':[{'role':'user','content':'hi','audio':{'id':'a'}}]}",
                "messages[0].content|{'messages':[{'role':'user','content':'one','parts':[{'type':'text','text':'two'}]}]}",
                "messages[0].name|{'model':'cloud','messages':[{'role':'user','content':'hi','name':' '}]}",
                "messages[0].name|{'model':'agents','messages':[{'role':'user','content':'hi','name':'jane'}]}",
                "messages[0].id|{'messages':[{'role':'user','content':'hi','id':'a b'}]}",
                "messages[0].id|{'messages':[{'role':'user','content':'hi','id':7}]}",
                "messages[0].tool_calls|{'messages':[{'role':'user','content':'hi','tool_calls':'x'}]}",
                "messages[0].tool_calls|{'messages':[{'role':'user','content':'hi','tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}}]}]}",
                "conversationId|{'conversationId':7,'messages':[{'role':'user','content':'echo hi'}]}",
                "conversationId|{'conversationId':'','messages':[{'role':'user','content':'echo hi'}]}",
                "conversationId|{'conversationId':'a/b','messages':[{'role':'user','content':'echo hi'}]}",
                "conversationId|{'conversationId':'\u00e4','messages':[{'role':'user','content':'echo hi'}]}",
                "stream|{'stream':'yes','messages':[{'role':'user','content':'echo hi'}]}",
                "model|{'model':7,'messages':[{'role':'user','content':'echo hi'}]}",
                "user|{'user':{},'messages':[{'role':'user','content':'echo hi'}]}",
                "user|{'user':'a\\u0085b','messages':[{'role':'user','content':'echo hi'}]}",
                "user|{'user':'a\\ud83e','messages':[{'role':'user','content':'echo hi'}]}",
                "max_completion_tokens|{'max_tokens':1,'max_completion_tokens':2,'messages':[{'role':'user','content':'echo hi'}]}",
                "stream_options.include_obfuscation|{'stream_options':{'include_obfuscation':true},'messages':[{'role':'user','content':'echo hi'}]}",
                "stream_options.other|{'stream_options':{'other':1},'messages':[{'role':'user','content':'echo hi'}]}",
                "max_tokens|{'max_tokens':0,'messages':[{'role':'user','content':'echo hi'}]}",
                "max_tokens|{'max_tokens':-1,'messages':[{'role':'user','content':'echo hi'}]}",
                "max_tokens|{'max_tokens':1.5,'messages':[{'role':'user','content':'echo hi'}]}",
                "max_tokens|{'max_tokens':'5','messages':[{'role':'user','content':'echo hi'}]}",
                "max_tokens|{'max_tokens':99999999999999999999,'messages':[{'role':'user','content':'echo hi'}]}",
                "temperature|{'model':'cloud','temperature':-0.1,'messages':[{'role':'user','content':'echo hi'}]}",
                "temperature|{'model':'cloud','temperature':2.1,'messages':[{'role':'user','content':'echo hi'}]}",
                "temperature|{'model':'cloud','temperature':1e999,'messages':[{'role':'user','content':'echo hi'}]}",
                "temperature|{'model':'cloud','temperature':'hot','messages':[{'role':'user','content':'echo hi'}]}",
                "top_p|{'model':'cloud','top_p':1.1,'messages':[{'role':'user','content':'echo hi'}]}",
                "top_p|{'model':'cloud','top_p':[],'messages':[{'role':'user','content':'echo hi'}]}",
                "presence_penalty|{'model':'cloud','presence_penalty':-2.1,'messages':[{'role':'user','content':'echo hi'}]}",
                "frequency_penalty|{'model':'cloud','frequency_penalty':2.1,'messages':[{'role':'user','content':'echo hi'}]}",
                "n|{'n':2,'messages':[{'role':'user','content':'echo hi'}]}",
                "n|{'n':0,'messages':[{'role':'user','content':'echo hi'}]}",
                "n|{'n':'1','messages':[{'role':'user','content':'echo hi'}]}",
                "logit_bias|{'model':'cloud','logit_bias':[],'messages':[{'role':'user','content':'echo hi'}]}",
                "logit_bias.50256|{'model':'cloud','logit_bias':{'50256':101},'messages':[{'role':'user','content':'echo hi'}]}",
                "logit_bias.50256|{'model':'cloud','logit_bias':{'50256':'no'},'messages':[{'role':'user','content':'echo hi'}]}",
                "tools|{'tools':{'a':{}},'messages':[{'role':'user','content':'echo hi'}]}",
                "tools[1]|{'tools':['a',7],'messages':[{'role':'user','content':'echo hi'}]}",
                "tools[0]|{'model':'cloud','tools':[{}],'messages':[{'role':'user','content':'echo hi'}]}",
                "headers|{'headers':[],'messages':[{'role':'user','content':'echo hi'}]}",
                "headers.a|{'headers':{'a':7},'messages':[{'role':'user','content':'echo hi'}]}",
                "runConfig|{'runConfig':'x','messages':[{'role':'user','content':'echo hi'}]}",
                "stream_options|{'stream_options':true,'messages':[{'role':'user','content':'echo hi'}]}",
                "stream_options.include_usage|{'stream_options':{'include_usage':7},'messages':[{'role':'user','content':'echo hi'}]}" })
        void byTheFieldsNameOnBothPaths(String field, String json) {
            String body = json == null ? "" : json;
            assertInvalid(CHAT, refuses(CHAT, body), field);
            assertInvalid(COMPLETIONS, refuses(COMPLETIONS, body), field);
        }

        @Test
        void anIdThatIsTooLongIsRefused() {
            String json = "{'conversationId':'%s',%s}";

            assertInvalid(CHAT, refuses(CHAT, json.formatted("x".repeat(129), USER)), "conversationId");
            assertInvalid(COMPLETIONS, refuses(COMPLETIONS, json.formatted("x".repeat(129), USER)), "conversationId");
            assertInvalid(CHAT, refuses(CHAT, "{'id':'a.b',%s}".formatted(USER)), "id");
        }

        @Test
        void aBodyThatIsNestedWithoutEndIsRefused() {
            String deep = "{'messages':" + "[".repeat(5000) + "]".repeat(5000) + "}";

            assertInvalid(CHAT, refuses(CHAT, deep), "body");
            assertInvalid(COMPLETIONS, refuses(COMPLETIONS, deep), "body");
        }

        @Test
        void anExecutionModeIsRefusedForItIsConfigured() {
            assertInvalid(CHAT, refuses(CHAT, "{'executionMode':'durable',%s}".formatted(USER)), "executionMode");
            assertInvalid(COMPLETIONS, refuses(COMPLETIONS, "{'executionMode':'durable',%s}".formatted(USER)), "executionMode");
        }

        @ParameterizedTest
        @ValueSource(strings = { "'seed':1", "'logprobs':true", "'modalities':['audio']", "'store':true",
                "'functions':[{'name':'f'}]",
                "'stop':['x']", "'metadata':{'a':'b'}", "'parallel_tool_calls':false", "'reasoning_effort':'low'",
                "'top_logprobs':1",
                "'service_tier':'flex'", "'prediction':{'type':'content'}" })
        void aFieldThatACompletionCannotHonourIsRefused(String field) {
            assertInvalid(COMPLETIONS, refuses(COMPLETIONS, "{%s,%s}".formatted(field, USER)), field.split("'")[1]);
        }

        @ParameterizedTest
        @ValueSource(strings = { "'temperature':0.1", "'top_p':0.9", "'presence_penalty':1",
                "'frequency_penalty':1", "'logit_bias':{'1':1}", "'tool_choice':'required'", "'requestContext':{'a':1}",
                "'response_format':{'type':'json_object'}",
                "'tools':[{'type':'function','function':{'name':'f'}}]" })
        void aSettingThatAgentsDoesNotHaveIsRefused(String field) {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                Relay.Answer refused = refuses(path, "{'model':'agents',%s,%s}".formatted(field, USER));

                assertInvalid(path, refused, field.split("'")[1]);
                assertThat(refused.json().path("detail").asText()).contains("'agents'");
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {
                "[{'role':'system','content':'be kind'},{'role':'user','content':'echo hi'}]",
                "[{'role':'user','content':'hi'},{'role':'assistant','content':'hi'},{'role':'user','content':'echo hi'}]",
                "[{'role':'user','content':'hi'},{'role':'tool','tool_call_id':'c','content':'42'}]" })
        void messagesThatAgentsWouldNotReadAreRefused(String messages) {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                assertInvalid(path, refuses(path, "{'model':'agents','messages':%s}".formatted(messages)), "messages");
            }
        }

        @ParameterizedTest
        @ValueSource(
                strings = { "'runConfig':{'a':1}", "'headers':{'a':'b'}", "'userProperties':{'a':1}", "'properties':{'a':1}",
                        "'requestContext':{'a':1}" })
        void aSettingThatCloudDoesNotHaveIsRefused(String field) {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                Relay.Answer refused = refuses(path, "{'model':'cloud',%s,%s}".formatted(field, USER));

                assertInvalid(path, refused, field.split("'")[1]);
                assertThat(refused.json().path("detail").asText()).contains("'cloud'");
            }
        }

        @Test
        void aPartThatIsNeitherTextNorImageIsRefusedForCloud() {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                assertInvalid(path, refuses(path, "{'model':'cloud','messages':[{'role':'user','parts':[{'type':'file',"
                        + "'mediaType':'application/pdf','url':'https://x/y.pdf'}]}]}"), "messages");
            }
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void aContentTypeOtherThanJsonIsRefused(String path) {
            Relay text = relay().with("content-type", "text/plain");

            assertError(path, text.post(path, Json.ask("echo hi")), 415, "unsupported_media_type");
            assertError(path, relay().with("content-type", "application/xml").post(path, "<x/>"), 415,
                    "unsupported_media_type");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void aMethodThatThePathDoesNotHaveIsRefused(String path) {
            assertError(path, relay().delete(path), 405, "method_not_allowed");
            assertError(path, relay().get(path), 405, "method_not_allowed");
        }

        @ParameterizedTest
        @ValueSource(strings = { "/run/unknown", "/run/api/chat/x", "/run/v1/conversations/x/unknown", "/run/v1/chat", "/run" })
        void anUnknownPathIsRefused(String path) {
            assertError(path, relay().get(path), 404, "not_found");
        }

        @Test
        void aPathThatIsDressedUpIsRefused() {
            for (String path : List.of("//run/v1/models", "/./run/v1/models", "/x/../run/v1/models", "/%72un/v1/models")) {
                assertThat(new Relay(base, "no-key").get(base + path.substring(1)).status()).as(path).isIn(400, 401, 404);
            }
        }
    }

    @Nested
    class OfAConversationIsRefused {

        @Test
        void aPatchThatIsNoPatch() {
            String path = CONVERSATIONS + "/" + relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();

            assertInvalid(path, relay().patch(path, Json.of("{'title':7}")), "title");
            assertInvalid(path, relay().patch(path, Json.of("{'title':'" + "x".repeat(501) + "'}")), "title");
            assertInvalid(path, relay().patch(path, Json.of("{'properties':[]}")), "properties");
            assertInvalid(path, relay().patch(path, Json.of("{'owner':'me'}")), "owner");
            assertInvalid(path, relay().patch(path, "[]"), "body");
            assertError(path, relay().with("content-type", "text/plain").patch(path, "{}"), 415, "unsupported_media_type");
        }

        @ParameterizedTest
        @CsvSource({ "limit, 0", "limit, 101", "limit, x", "limit, -1", "limit, 99999999999", "cursor, x" })
        void aPageThatIsNoPage(String name, String value) {
            String conversation = relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();

            for (String path : List.of(CONVERSATIONS, CONVERSATIONS + "/" + conversation + "/messages")) {
                assertInvalid(path, relay().get(path + "?" + name + "=" + value), name);
            }
        }

        @ParameterizedTest
        @ValueSource(strings = { "", "/messages", "/stream" })
        void anIdOutsideOfItsRuleIsRefused(String rest) {
            String path = CONVERSATIONS + "/a.b" + rest;

            assertInvalid(path, relay().get(path), "id");
        }

        @Test
        void aPropertyThatNoDatabaseWouldTakeIsTakenCleaned() {
            String path = CONVERSATIONS + "/" + relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();

            Relay.Answer changed = relay().patch(path,
                    "{\"title\":\"a\\u0000b\",\"properties\":{\"k\\u0000\":\"\\ud83d\",\"big\":1e400}}");

            assertThat(changed.status()).as(changed.body()).isEqualTo(200);
            assertThat(changed.json().path("title").asText()).isEqualTo("a\ufffdb");
        }
    }

    /** What only looks wrong. None of it may be a 500. */
    @Nested
    class IsTaken {

        private void answers(ObjectNode body) {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                Sse answer = relay().send(path, body.deepCopy().put("stream", true)).toEnd();

                assertThat(answer.status()).as(answer.text()).isEqualTo(200);
                assertThat(answer.done()).as(answer.text()).isTrue();
            }
        }

        @Test
        void aZeroCharacterAndHalfASurrogatePairInWhatTheUserSays() {
            answers(Json.of("{'messages':[{'role':'user','content':'echo a\\u0000b \\ud83d c'}]}"));
            answers(Json.of("{'model':'cloud','messages':[{'role':'user','content':'echo a\\u0000b \\ud83d c'}]}"));
        }

        @Test
        void aZeroCharacterInAnyOtherText() {
            answers(Json
                    .of("{'messages':[{'role':'user','parts':[{'type':'data-x','id':'\\u0000','data':{'\\u0000':'\\u0000'}},"
                            + "{'type':'text','text':'echo x'}]}]}"));
        }

        @Test
        void aModelsCallWhoseArgumentsAreNoJson() {
            answers(Json.of("{'model':'cloud','messages':[{'role':'user','content':'hi'},{'role':'assistant','content':'',"
                    + "'tool_calls':[{'id':'c','type':'function','function':{'name':'f','arguments':'{broken'}}]},"
                    + "{'role':'tool','tool_call_id':'c','content':'42'},{'role':'user','content':'echo hi'}]}"));
        }

        @Test
        void anEmptyPastAndUnknownPartsOfIt() {
            answers(Json.of("{'model':'cloud','messages':[{'role':'user','content':''},{'role':'assistant','parts':"
                    + "[{'type':'reasoning','text':'hm'},{'type':'step-start'}]},{'role':'user','content':'echo hi'}]}"));
        }

        @Test
        void everyDocumentedFieldAtItsBounds() {
            answers(Json.of("{'model':'cloud','max_tokens':1,'temperature':2,'top_p':0,'n':1,'presence_penalty':-2,"
                    + "'frequency_penalty':2.0,'logit_bias':{'1':-100},'user':'u','tools':[],'conversationId':null,"
                    + "'stream_options':{'include_usage':true},'headers':null," + USER + "}"));
        }
    }
}
