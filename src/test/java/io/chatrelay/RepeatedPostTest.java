package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.clients.Docs;
import io.chatrelay.support.clients.Node;
import io.quarkus.test.junit.QuarkusTest;

/** The same POST again with the id of the last event, as fetch-event-source does it after a drop or a hidden tab. */
@QuarkusTest
class RepeatedPostTest extends ServiceTest {

    private final String id = newId();
    private final String mark = mark();

    private ObjectNode ask(String text) {
        return Json.ask(id, text + " " + mark).put("stream", true);
    }

    private Sse again(String path, String last, ObjectNode body) {
        return relay().with("accept", "text/event-stream").with("last-event-id", last).send(path, body);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void goesOnAfterThatEventWhileTheTurnRuns(String path) {
        Sse first = relay().send(path, ask("slow 60")).until(4);
        first.close();
        Sse whole = relay().send(path, ask("slow 60"));

        Sse rest = again(path, first.lastId(), ask("slow 60")).toEnd();

        assertThat(rest.turn()).isEqualTo(first.turn());
        assertThat(rest.done()).isTrue();
        assertThat(rest.ids().getFirst()).isGreaterThan(first.ids().getLast());
        assertThat(whole.toEnd().answer()).endsWith(rest.answer());
        assertThat(emulator().asked(mark)).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void goesOnAfterItWhenTheTurnHasEndedAndAnotherHasBegun(String path) {
        Sse first = relay().send(path, ask("echo one two three")).toEnd();
        Sse second = relay().send(path, ask("slow 60")).until(3);
        String third = first.numbered().get(2).id();

        Sse rest = again(path, third, ask("echo one two three")).toEnd();

        assertThat(rest.status()).isEqualTo(200);
        assertThat(rest.turn()).isEqualTo(first.turn());
        assertThat(rest.numbered()).isEqualTo(first.numbered().subList(3, first.numbered().size()));
        assertThat(rest.done()).isTrue();
        assertThat(second.toEnd().done()).isTrue();
        assertThat(query("select 1 from turn t join conversation c on c.id = t.conversation_id where c.external_id = ?", id))
                .hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void isAnEmptyStreamWhereThereIsNothingMore(String path) {
        Sse first = relay().send(path, ask("echo one")).toEnd();

        Sse rest = again(path, first.lastId(), ask("echo one")).toEnd();

        assertThat(rest.status()).as(rest.text()).isEqualTo(200);
        assertThat(rest.header("content-type")).startsWith("text/event-stream");
        assertThat(rest.conversation()).isEqualTo(id);
        assertThat(rest.events()).isEmpty();
        assertThat(rest.broken()).isFalse();
        assertThat(messages(id)).as("and no turn").hasSize(2);
    }

    @Test
    void findsItsConversationByWhatItSaysWhereItNamesNone() {
        ObjectNode body = Json.of("{'messages':[{'role':'user','content':'slow 250 %s'}]}".formatted(mark));
        Sse first = relay().send(CHAT, body).until(4);
        first.close();

        Sse rest = again(CHAT, first.lastId(), body);
        emulator().hurry(mark);

        assertThat(rest.toEnd().turn()).isEqualTo(first.turn());
        assertThat(rest.ids().getFirst()).isGreaterThan(first.ids().getLast());
        assertThat(emulator().asked(mark)).hasSize(1);
    }

    private ObjectNode nameless() {
        return Json.ask("slow 250 " + mark);
    }

    /** They may be of different people, of whom only the caller knows. */
    @Test
    void findsNobodyElsesTurnWhereEqualMessagesBeganSeveral() {
        Sse mine = relay().send(CHAT, nameless()).until(4);
        Sse theirs = relay().send(CHAT, nameless()).until(4);

        for (Sse broken : List.of(mine, theirs)) {
            assertInvalid(CHAT, relay().with("last-event-id", broken.lastId()).post(CHAT, nameless()), "Last-Event-ID");
        }
        Sse named = relay().with("x-conversation-id", mine.conversation()).with("last-event-id", mine.numbered().get(3).id())
                .send(CHAT, nameless());
        emulator().hurry(mark);

        assertThat(named.toEnd().turn()).as(named.text()).isEqualTo(mine.turn());
        assertThat(named.numbered()).isEqualTo(mine.toEnd().numbered().subList(4, mine.numbered().size()));
        assertThat(theirs.toEnd().done()).isTrue();
        assertThat(emulator().asked(mark)).hasSize(2);
    }

    @Test
    void findsEachPersonsOwnTurnWhereTheMessageSaysWhoseItIs() {
        ObjectNode ann = nameless().put("user", "ann");
        Sse first = relay().send(CHAT, ann).until(4);
        Sse second = relay().send(CHAT, nameless().put("user", "bob")).until(4);

        Sse rest = again(CHAT, first.lastId(), ann);
        emulator().hurry(mark);

        assertThat(rest.toEnd().turn()).isEqualTo(first.turn());
        assertThat(rest.done()).isTrue();
        assertThat(second.toEnd().done()).isTrue();
    }

    @Test
    void isRefusedWhereTheTurnThatRunsIsAnothers() {
        Sse running = relay().send(CHAT, ask("slow 250")).until(4);

        assertInvalid(CHAT, relay().with("last-event-id", "3").post(CHAT, ask("slow 251")), "Last-Event-ID");
        Sse rest = again(CHAT, "3", ask("slow 250"));
        emulator().hurry(mark);

        assertThat(rest.toEnd().numbered()).isEqualTo(running.toEnd().numbered().subList(3, running.numbered().size()));
        assertThat(messages(id)).hasSize(2);
    }

    /** A turn that failed gave it back, and an earlier version did not keep it. */
    @Test
    void goesOnInATurnOfWhichNothingTellsWhatBeganIt() {
        Sse first = relay().send(CHAT, ask("echo one two")).toEnd();
        execute("update turn set command_digest = null where id = ?::uuid", first.turn());

        Sse rest = again(CHAT, "1.2", ask("echo one two")).toEnd();

        assertThat(rest.numbered()).isEqualTo(first.numbered().subList(2, first.numbered().size()));
        assertThat(messages(id)).hasSize(2);
    }

    @Test
    void isRefusedWhereItIsAnotherMessageOrNoTurnIsMeant() {
        relay().send(CHAT, ask("echo one")).toEnd();

        assertInvalid(CHAT, relay().with("last-event-id", "1.2").post(CHAT, ask("echo two")), "Last-Event-ID");
        assertInvalid(CHAT, relay().with("last-event-id", "7").post(CHAT, ask("echo one")), "Last-Event-ID");
        assertThat(messages(id)).hasSize(2);
    }

    @Test
    void isRefusedWhereItNamesNoStreamOfTheConversation() {
        relay().send(CHAT, ask("echo one")).toEnd();
        Relay repeats = relay().with("last-event-id", "1.2");
        ObjectNode nameless = ask("echo one");
        nameless.remove("conversationId");

        assertInvalid(CHAT, repeats.post(CHAT, ask("echo one").put("stream", false)), "Last-Event-ID");
        assertInvalid(COMPLETIONS, repeats.post(COMPLETIONS, nameless), "Last-Event-ID");
        assertInvalid(CHAT, relay().with("last-event-id", "x").post(CHAT, ask("echo one")), "Last-Event-ID");
        assertError(CHAT, relay().with("last-event-id", "9.2").post(CHAT, ask("echo one")), 404, "not_found");
        assertError(CHAT, other().with("last-event-id", "1.2").post(CHAT, ask("echo one")), 404, "not_found");
        assertThat(messages(id)).hasSize(2);
    }

    @Test
    void doesNotDropADecisionThatItCarries() {
        Sse asked = relay().send(CHAT, ask("use tool delete_file").put("trigger", "submit-message")).toEnd();
        String call = relay().get("/run/v1/tool-approvals?conversationId=" + id).json().at("/data/0/toolCallId").asText();

        Sse rest = again(CHAT, asked.lastId(),
                Json.of("{'id':'%s','trigger':'submit-message','messages':[{'role':'assistant','parts':[{'type':'tool-x','toolCallId':'%s',"
                        .formatted(id, call) + "'state':'approval-responded','approval':{'id':'a','approved':true}}]}]}"))
                .toEnd();

        assertThat(rest.types()).contains("tool-output-available");
        assertThat(rest.done()).isTrue();
    }

    @Test
    void stopsItsTurnByLeavingWhereItAskedForThat() {
        Sse first = relay().send(CHAT, ask("slow 250")).until(4);

        Sse rest = again(CHAT, first.lastId(), ask("slow 250").put("onDisconnect", "cancel")).until(2);
        rest.close();

        assertThat(first.toEnd().types()).contains("abort");
    }

    /** The package itself, in the code that its users are shown. */
    @Nested
    class ByThePackage {

        private JsonNode ask(String text, String... options) {
            Path docs = Path.of("target/docs-fetch-event-source").toAbsolutePath();
            Docs.write("eventsource.md", docs);
            List<String> arguments = new ArrayList<>(
                    List.of(base.toString(), "dev-key", docs.toString(), id, text + " " + mark));
            arguments.addAll(List.of(options));
            return Node.run("fetch-event-source.mjs", arguments.toArray(String[]::new));
        }

        private void assertWholeAndOnce(JsonNode seen) {
            List<String> events = Json.each(seen.path("events"), "");
            assertThat(seen.path("end").asText()).as(seen.toString()).isEqualTo("finish");
            assertThat(seen.path("text").asText()).startsWith("word0 word1 ").endsWith(" word39")
                    .isEqualTo(seen.at("/stored/1/text").asText());
            assertThat(events).as("each event once, in order").hasSizeGreaterThan(40)
                    .isEqualTo(IntStream.rangeClosed(1, events.size()).mapToObj(number -> "1." + number).toList());
            assertThat(seen.path("stored")).as("one turn").hasSize(2);
            assertThat(Json.each(seen.path("requests"), "/turn").stream().filter(turn -> !turn.equals("null")).distinct())
                    .as("of which every answer told").hasSize(1);
            assertThat(emulator().asked(mark)).hasSize(1);
        }

        private void assertWentOnAfterItsLast(JsonNode seen) {
            List<String> last = Json.each(seen.path("requests"), "/lastEventId");
            assertThat(last).as("it came back").hasSizeGreaterThan(1);
            assertThat(last.getFirst()).isEqualTo("null");
            assertThat(last.subList(1, last.size())).allMatch(event -> event.matches("1[.][0-9]+"));
        }

        @Test
        void goesOnOverADropInMidAnswer() {
            JsonNode seen = ask("slow 100", "--break-after", "9");

            assertWholeAndOnce(seen);
            assertWentOnAfterItsLast(seen);
        }

        @Test
        void isToldTheRestOfATurnThatEndedMeanwhile() {
            JsonNode seen = ask("slow 60", "--break-after", "9", "--until-ended");

            assertWholeAndOnce(seen);
            assertWentOnAfterItsLast(seen);
        }

        @Test
        void isToldAllOfATurnThatItWasToldNothingOf() {
            JsonNode seen = ask("slow 20", "--break-after", "0", "--until-ended");

            assertWholeAndOnce(seen);
            assertThat(Json.each(seen.path("requests"), "/lastEventId")).as("it had no event to go on after")
                    .hasSizeGreaterThan(1).containsOnly("null");
        }
    }
}
