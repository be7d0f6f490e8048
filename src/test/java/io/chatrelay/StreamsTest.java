package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Events are numbered, stored before they are told, read again by anyone, stopped by no connection. */
@QuarkusTest
class StreamsTest extends ServiceTest {

    private static List<Long> numbers(long first, long last) {
        return LongStream.rangeClosed(first, last).boxed().toList();
    }

    private static String streamOf(String conversation) {
        return CONVERSATIONS + "/" + conversation + "/stream";
    }

    @Nested
    class WhoeverAsks {

        @Test
        void isToldTheConversationInTheHeadAndInTheFirstEvent() {
            Sse answer = relay().send(CHAT, Json.ask("echo one two")).toEnd();

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("content-type")).startsWith("text/event-stream");
            assertThat(answer.header("x-vercel-ai-ui-message-stream")).isEqualTo("v1");
            assertThat(answer.header("cache-control")).isEqualTo("no-cache");
            assertThat(answer.header("x-accel-buffering")).isEqualTo("no");
            JsonNode start = answer.events().getFirst().json();
            assertThat(start.path("type").asText()).isEqualTo("start");
            assertThat(start.at("/messageMetadata/conversationId").asText()).isEqualTo(answer.conversation());
            assertThat(start.at("/messageMetadata/turnId").asText()).isEqualTo(answer.turn());
            assertThat(UUID.fromString(answer.conversation())).isNotNull();
            assertThat(answer.answer()).isEqualTo("one two");
            assertThat(answer.done()).isTrue();
        }

        @Test
        void isToldTheConversationBesideTheChoicesOfTheFirstChunk() {
            Sse answer = relay().send(COMPLETIONS, Json.ask("echo one two").put("stream", true)).toEnd();

            JsonNode first = answer.events().getFirst().json();
            assertThat(first.at("/chat_relay/conversationId").asText()).isEqualTo(answer.conversation()).isNotEmpty();
            assertThat(first.at("/chat_relay/turnId").asText()).isEqualTo(answer.turn()).isNotEmpty();
            assertThat(answer.answer()).isEqualTo("one two");
            assertThat(answer.done()).isTrue();
        }

        @Test
        void getsEventsThatAreNumberedWithoutAGap() {
            Sse answer = relay().send(CHAT, Json.ask("echo one two three four")).toEnd();

            assertThat(answer.ids()).isEqualTo(numbers(1, answer.ids().size()));
        }

        @Test
        void getsNumbersThatOnlyGrowOnTheWireThatLeavesBracketsOut() {
            Sse answer = relay().send(COMPLETIONS, Json.ask("echo one two three four").put("stream", true)).toEnd();

            assertThat(answer.ids()).isSorted().doesNotHaveDuplicates().startsWith(1L);
        }

        @Test
        void getsOneTextPartForARunOfText() {
            Sse answer = relay().send(CHAT, Json.ask("echo one two three four")).toEnd();

            assertThat(answer.types()).containsOnlyOnce("text-start", "text-end", "start-step", "finish-step", "finish");
        }

        @Test
        void goesOnInAConversationOfItsOwnName() {
            String id = newId();

            Sse answer = relay().send(CHAT, Json.ask("echo hello").put("id", id)).toEnd();

            assertThat(answer.conversation()).isEqualTo(id);
            assertThat(answer.events().getFirst().json().at("/messageMetadata/conversationId").asText()).isEqualTo(id);
        }
    }

    @Nested
    class WhoeverComesBack {

        @ParameterizedTest
        @CsvSource({ "chat", "conversation" })
        void goesOnAfterItsLastEventInMidStream(String path) {
            Sse left = relay().send(CHAT, Json.ask("slow 60")).until(7);
            left.close();
            long last = left.ids().get(6);

            Sse back = relay().with("last-event-id", left.numbered().get(6).id()).read(path.equals("chat")
                    ? CHAT + "/" + left.conversation() + "/stream"
                    : streamOf(left.conversation()));

            assertThat(back.toEnd().ids()).isEqualTo(numbers(last + 1, last + back.ids().size()));
            assertThat(back.done()).isTrue();
            assertThat(back.turn()).isEqualTo(left.turn());
            assertThat(left.numbered().subList(0, 7)).isEqualTo(
                    relay().read(streamOf(left.conversation()) + "?turn=" + left.turn()).toEnd().numbered().subList(0, 7));
        }

        @Test
        void namesItsPositionInTheUrlToo() {
            Sse whole = relay().send(CHAT, Json.ask("slow 40")).until(4);

            Sse rest = relay().read(streamOf(whole.conversation()) + "?after=3").toEnd();

            assertThat(rest.numbered()).isEqualTo(whole.toEnd().numbered().subList(3, whole.numbered().size()));
        }

        @Test
        void isTakenByItsHeaderRatherThanByTheUrlItBeganWith() {
            Sse whole = relay().send(CHAT, Json.ask("slow 40")).until(6);

            Sse rest = relay().with("last-event-id", "5").read(streamOf(whole.conversation()) + "?after=1").toEnd();

            assertThat(rest.ids().getFirst()).isEqualTo(6);
        }

        @Test
        void getsTheRestOfATurnThatHasEndedMeanwhile() {
            Sse whole = relay().send(CHAT, Json.ask("long 200")).toEnd();

            Sse rest = relay().with("last-event-id", "1.10").read(streamOf(whole.conversation())).toEnd();

            assertThat(rest.numbered()).isEqualTo(whole.numbered().subList(10, whole.numbered().size()));
            assertThat(rest.done()).isTrue();
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, CONVERSATIONS })
        void getsTheRunningTurnFromItsFirstEventWhereItNamesNoPosition(String path) {
            String mark = mark();
            Sse whole = relay().send(CHAT, Json.ask("slow 250 " + mark)).until(4);

            Sse again = relay().read(path + "/" + whole.conversation() + "/stream");
            emulator().hurry(mark);

            assertThat(again.toEnd().text()).isEqualTo(whole.toEnd().text());
            assertThat(again.header("x-vercel-ai-ui-message-stream")).isEqualTo("v1");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, CONVERSATIONS })
        void learnsByA204ThatThereIsNothingToRead(String path) {
            Sse whole = relay().send(CHAT, Json.ask("echo hello")).toEnd();

            Relay.Answer nothing = relay().get(path + "/" + whole.conversation() + "/stream");

            assertThat(nothing.status()).isEqualTo(204);
            assertThat(nothing.body()).isEmpty();
        }

        @Test
        void learnsByA204ThatItHasReadEverything() {
            Sse whole = relay().send(CHAT, Json.ask("echo hello")).toEnd();

            assertThat(relay().with("last-event-id", whole.lastId())
                    .get(streamOf(whole.conversation())).status()).isEqualTo(204);
            assertThat(relay().get(streamOf(whole.conversation()) + "?after=" + whole.lastId()).status())
                    .isEqualTo(204);
        }

        @Test
        void getsNothingWhereItNamesANumberThatTheTurnHasNotReached() {
            Sse whole = relay().send(CHAT, Json.ask("slow 30")).until(2);

            Sse ahead = relay().read(streamOf(whole.conversation()) + "?after=5000");

            whole.toEnd();
            assertThat(ahead.toEnd().events()).isEmpty();
        }

        @ParameterizedTest
        @CsvSource({ "after, -1", "after, one", "turn, x", "wire, grpc" })
        void isToldWhatIsWrongWithItsPosition(String name, String value) {
            String conversation = relay().send(CHAT, Json.ask("echo hello")).toEnd().conversation();

            Relay.Answer refused = relay().get(streamOf(conversation) + "?" + (name.equals("wire") ? "after=0&" : "") + name
                    + "=" + value);

            assertInvalid(CONVERSATIONS, refused, name);
        }

        @Test
        void isToldThatItsLastEventIdIsNoNumber() {
            String conversation = relay().send(CHAT, Json.ask("echo hello")).toEnd().conversation();

            assertInvalid(CONVERSATIONS, relay().with("last-event-id", "x").get(streamOf(conversation)), "Last-Event-ID");
        }

        @Test
        void hasNothingToReadInAChatThatUseChatHasJustMadeUp() {
            assertThat(relay().get(CHAT + "/" + newId() + "/stream").status()).isEqualTo(204);
        }

        @Test
        void isNeverGivenAnotherTurnsEvents() {
            Sse first = relay().send(CHAT, Json.ask("echo one two three")).toEnd();
            String stream = streamOf(first.conversation());

            assertThat(relay().with("last-event-id", "2").get(stream).status()).as("a number says nothing of an ended turn")
                    .isEqualTo(204);
            String mark = mark();
            Sse second = relay().send(CHAT, Json.ask(first.conversation(), "slow 250 " + mark)).until(4);
            Sse rest = relay().with("last-event-id", "1.2").read(stream).toEnd();
            Sse over = relay().with("last-event-id", first.lastId()).read(stream);

            assertThat(rest.turn()).isEqualTo(first.turn());
            assertThat(rest.numbered()).isEqualTo(first.numbered().subList(2, first.numbered().size()));
            assertThat(over.status()).isEqualTo(204);
            assertThat(second.numbered()).allMatch(event -> event.id().startsWith("2."));
            emulator().hurry(mark);
            assertThat(second.toEnd().done()).isTrue();
        }

        @Test
        void isToldThatThereIsNoSuchConversationOrTurn() {
            String conversation = relay().send(CHAT, Json.ask("echo hello")).toEnd().conversation();
            String elsewhere = relay().send(CHAT, Json.ask("echo hello")).toEnd().turn();

            assertError(CONVERSATIONS, relay().get(streamOf(newId())), 404, "not_found");
            assertError(CONVERSATIONS, relay().get(streamOf(conversation) + "?turn=" + UUID.randomUUID()), 404, "not_found");
            assertError(CONVERSATIONS, relay().get(streamOf(conversation) + "?turn=" + elsewhere), 404, "not_found");
        }
    }

    @Nested
    class WhoeverReplays {

        @Test
        void getsAnyTurnAgainByteByByte() {
            String id = newId();
            Sse first = relay().send(CHAT, Json.ask(id, "echo the first")).toEnd();
            Sse second = relay().send(CHAT, Json.ask(id, "echo the second")).toEnd();

            assertThat(relay().read(streamOf(id) + "?turn=" + first.turn()).toEnd().text()).isEqualTo(first.text());
            assertThat(relay().read(streamOf(id) + "?turn=" + second.turn()).toEnd().text()).isEqualTo(second.text());
            assertThat(relay().read(streamOf(id) + "?after=2.0").toEnd().text()).isEqualTo(second.text());
        }

        @Test
        void getsItOnTheOtherWireToo() {
            Sse chunks = relay().send(COMPLETIONS, Json.ask("echo one two").put("stream", true)).toEnd();

            String openAi = streamOf(chunks.conversation()) + "?wire=openai&turn=" + chunks.turn();
            Sse again = relay().read(openAi).toEnd();
            Sse parts = relay().read(streamOf(chunks.conversation()) + "?wire=ai-sdk&turn=" + chunks.turn()).toEnd();

            assertThat(again.text()).isEqualTo(chunks.text());
            assertThat(again.header("x-vercel-ai-ui-message-stream")).isEmpty();
            assertThat(parts.answer()).isEqualTo("one two");
            assertThat(parts.ids()).containsAll(chunks.ids());
        }

        @Test
        void getsItsUsageWhereThatIsAskedFor() {
            Sse chunks = relay().send(COMPLETIONS, Json.ask("echo one two").put("model", "cloud").put("stream", true)).toEnd();
            String openAi = streamOf(chunks.conversation()) + "?wire=openai&turn=" + chunks.turn();

            assertThat(relay().read(openAi).toEnd().text()).isEqualTo(chunks.text()).doesNotContain("total_tokens");
            assertThat(relay().read(openAi + "&include_usage=true").toEnd().text()).contains("\"total_tokens\":10");
            assertInvalid(CONVERSATIONS, relay().get(openAi + "&include_usage=yes"), "include_usage");
        }

        @Test
        void getsTheSameMessageIdForGood() {
            Sse whole = relay().send(CHAT, Json.ask("echo hello")).toEnd();

            Sse again = relay().read(streamOf(whole.conversation()) + "?turn=" + whole.turn()).toEnd();

            String messageId = whole.events().getFirst().json().path("messageId").asText();
            assertThat(again.events().getFirst().json().path("messageId").asText()).isEqualTo(messageId);
            assertThat(messages(whole.conversation()).getLast().path("id").asText()).isEqualTo(messageId);
        }
    }

    /** As it is stored by a version that did not count turns, and did not write down whose a call is. */
    @Nested
    class ATurnOfAnEarlierVersion {

        private Sse before(Sse turn) {
            execute("update turn set ordinal = null where id = ?::uuid", turn.turn());
            execute("update conversation set turns = 0 where external_id = ?", turn.conversation());
            return turn;
        }

        private static void assertBare(Sse stream) {
            assertThat(stream.numbered()).isNotEmpty().allMatch(event -> event.id().matches("[0-9]+"));
        }

        @Test
        void isReadWithBareNumbersWhileItRuns() {
            String mark = mark();
            Sse asked = before(relay().send(CHAT, Json.ask("slow 250 " + mark)).until(4));

            Sse whole = relay().read(streamOf(asked.conversation()));
            Sse rest = relay().with("last-event-id", "3").read(streamOf(asked.conversation()));
            emulator().hurry(mark);

            assertBare(whole.toEnd());
            rest.toEnd();
            assertThat(rest.numbered()).isEqualTo(whole.numbered().subList(3, whole.numbered().size()));
            assertThat(whole.answer()).isEqualTo(asked.toEnd().answer());
            assertThat(rest.done()).isTrue();
        }

        @Test
        void isReplayedByItsOwnIdAndNoNumberOfAnotherNamesIt() {
            Sse first = before(relay().send(CHAT, Json.ask("echo one two")).toEnd());
            Sse second = relay().send(CHAT, Json.ask(first.conversation(), "echo three")).toEnd();
            String stream = streamOf(first.conversation());

            Sse replay = relay().read(stream + "?turn=" + first.turn()).toEnd();

            assertBare(replay);
            assertThat(replay.answer()).isEqualTo("one two");
            assertThat(relay().with("last-event-id", "3").read(stream + "?turn=" + first.turn()).toEnd().numbered())
                    .isEqualTo(replay.numbered().subList(3, replay.numbered().size()));
            assertThat(second.numbered()).allMatch(event -> event.id().startsWith("1."));
            assertThat(relay().with("last-event-id", "1.2").read(stream).toEnd().turn()).isEqualTo(second.turn());
            assertInvalid(CONVERSATIONS, relay().with("last-event-id", "1.2").get(stream + "?turn=" + first.turn()),
                    "Last-Event-ID");
            assertThat(relay().with("last-event-id", "3").get(stream).status()).as("a bare number of no turn").isEqualTo(204);
        }

        @Test
        void tellsItsCallsToOpenAisClientsAsItDidThen() {
            Sse turn = before(relay().send(CHAT, Json.ask("use tool get_time")).toEnd());
            execute("""
                    update turn_event set events = convert_to(regexp_replace(convert_from(events, 'UTF8'), ',"own":0', '', 'g'), 'UTF8')
                    where turn_id = ?::uuid""",
                    turn.turn());

            Sse replay = relay().read(streamOf(turn.conversation()) + "?wire=openai&turn=" + turn.turn()).toEnd();

            assertBare(replay);
            assertThat(replay.numbered().stream()
                    .map(event -> event.json().at("/choices/0/delta/tool_calls/0/function/name").asText())
                    .filter(name -> !name.isEmpty())).containsExactly("get_time");
            assertThat(replay.done()).isTrue();
        }
    }

    @Nested
    class ManyReaders {

        @Test
        void getTheSameBytesWhereverTheyBegin() {
            String mark = mark();
            Sse asker = relay().send(CHAT, Json.ask("slow 250 " + mark)).until(2);
            String stream = streamOf(asker.conversation());
            List<Sse> early = List.of(relay().read(stream), relay().read(stream), relay().read(stream + "?after=0"));
            asker.until(15);
            List<Sse> late = List.of(relay().read(stream), relay().read(stream + "?turn=" + asker.turn()));

            emulator().hurry(mark);
            asker.toEnd();
            early.forEach(reader -> assertThat(reader.toEnd().text()).isEqualTo(asker.text()));
            late.forEach(reader -> assertThat(reader.toEnd().text()).isEqualTo(asker.text()));
        }
    }

    @Nested
    class WhoeverLeaves {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void onlyDetachesAndTheTurnIsStoredWhole(String path) {
            Sse left = relay().send(path, Json.ask("slow 30").put("stream", true)).until(3);

            left.close();
            awaitEnd(left.conversation());

            JsonNode stored = messages(left.conversation()).getLast();
            assertThat(stored.path("role").asText()).isEqualTo("assistant");
            assertThat(Json.text(stored)).startsWith("word0 word1 ").endsWith(" word39");
            assertThat(stored.at("/metadata/finishReason").asText()).isEqualTo("stop");
            assertThat(turn(left.turn())).isEqualTo("completed");
        }

        @Test
        void doesNotTakeTheOthersWithIt() {
            String mark = mark();
            Sse left = relay().send(CHAT, Json.ask("slow 250 " + mark)).until(3);
            Sse stays = relay().read(streamOf(left.conversation()));

            left.close();
            stays.until(stays.numbered().size() + 20);
            emulator().hurry(mark);

            assertThat(stays.toEnd().done()).isTrue();
        }
    }
}
