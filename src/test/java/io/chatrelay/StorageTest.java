package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.ToldParts;
import io.quarkus.test.junit.QuarkusTest;

/** What happens to a turn when the database will not have its answer, and when the process that ran it is gone. */
@QuarkusTest
class StorageTest extends ServiceTest {

    @Nested
    class ABatchThatTheDatabaseRefuses {

        private final String bad = "refused" + mark();

        @BeforeEach
        void refuse() {
            execute("""
                    create function refuse_marked() returns trigger language plpgsql as $$
                    begin
                        if position('%s'::bytea in new.events) > 0 then
                            raise exception 'not this one' using errcode = '23514';
                        end if;
                        return new;
                    end $$""".formatted(bad));
            execute("create trigger refuse_marked before insert on turn_event for each row execute function refuse_marked()");
        }

        @AfterEach
        void accept() {
            execute("drop trigger refuse_marked on turn_event");
            execute("drop function refuse_marked");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void endsItsTurnAloneAndKeepsWhatCameBefore(String path) {
            Sse beside = relay().send(CHAT, Json.ask("slow 60")).until(3);

            Sse turn = relay()
                    .send(path, Json.ask("echo one two three " + "more ".repeat(30) + bad + " eight nine").put("stream", true))
                    .toEnd();

            assertThat(turn.status()).isEqualTo(200);
            assertThat(turn.done()).isFalse();
            assertThat(turn.error()).contains("database refused");
            assertThat(turn.answer()).startsWith("one two three").doesNotContain(bad, "eight");
            assertThat(turn.ids()).isSorted().doesNotHaveDuplicates();
            assertThat(turn(turn.turn())).isEqualTo("failed storage_refused");
            assertThat(Json.text(messages(turn.conversation()).getLast())).isEqualTo(turn.answer());
            String again = CONVERSATIONS + "/" + turn.conversation() + "/stream?turn=" + turn.turn()
                    + (path.equals(CHAT) ? "" : "&wire=openai");
            assertThat(relay().read(again).toEnd().text()).isEqualTo(turn.text());

            assertThat(beside.toEnd().done()).as("nobody else notices").isTrue();
            assertThat(beside.answer()).startsWith("word0 ").endsWith(" word39");
            assertThat(turn(beside.turn())).isEqualTo("completed");
        }

        @Test
        void leavesTheConversationFree() {
            Sse turn = relay().send(CHAT, Json.ask("echo one " + bad)).toEnd();

            assertThat(relay().send(CHAT, Json.ask(turn.conversation(), "echo on")).toEnd().done()).isTrue();
        }
    }

    @Nested
    class WhatJsonbWouldRefuse {

        @Test
        void isStreamedAsItCameAndStored() {
            for (String upstream : List.of("agents", "cloud")) {
                for (String path : List.of(CHAT, COMPLETIONS)) {
                    Sse turn = relay().send(path, Json.ask("nul").put("model", upstream).put("stream", true)).toEnd();

                    assertThat(turn.done()).as(turn.text()).isTrue();
                    assertThat(turn.answer()).startsWith("nul:\0:end lone:").endsWith(":end");
                    assertThat(Json.text(messages(turn.conversation()).getLast())).isEqualTo("nul:\ufffd:end lone:\ufffd:end");
                    assertThat(relay().read(CONVERSATIONS + "/" + turn.conversation() + "/stream?turn=" + turn.turn()
                            + (path.equals(CHAT) ? "" : "&wire=openai")).toEnd().text()).isEqualTo(turn.text());
                }
            }
        }
    }

    @Nested
    class ATurnWhoseReplicaIsGone {

        private final UUID turn = UUID.randomUUID();
        private final UUID replica = UUID.randomUUID();
        private final UUID message = UUID.randomUUID();
        private String conversation;

        /** As a process leaves it that was killed in mid-answer. Of Cloud: a run of Agents would be looked for. */
        @BeforeEach
        void leave() {
            conversation = relay().send(CHAT, Json.ask("echo hello").put("model", "cloud")).toEnd().conversation();
            execute("insert into replica (incarnation, renewed_at, lease_end) "
                    + "select ?, clock_timestamp() + interval '1 hour', clock_timestamp() + interval '1 hour'",
                    replica);
            execute("update conversation set next_position = 5 where external_id = ?", conversation);
            execute("""
                    insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position,
                                      caller, started_at)
                    select ?, tenant, id, 'running', ?, upstream, upstream, ?, 4, 'dev', clock_timestamp()
                    from conversation where external_id = ?""", turn, replica, message, conversation);
            events(1, "{\"t\":\"start\",\"id\":\"theirs\"}", "{\"t\":\"step-start\"}", "{\"t\":\"text-start\",\"id\":\"t\"}");
            events(4, "{\"t\":\"text\",\"id\":\"t\",\"d\":\"Half an\"}", "{\"t\":\"text\",\"id\":\"t\",\"d\":\" answer\"}");
        }

        private void events(long first, String... lines) {
            execute("insert into turn_event (turn_id, first, last, events) values (?, ?, ?, ?)", turn, first,
                    first + lines.length - 1, String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
        }

        /** As it looks from outside while nobody may take its turns over: it has missed some renewals, and its lease has not ended. */
        private void replicaIsSilent() {
            execute("update replica set renewed_at = clock_timestamp() - interval '1 minute' where incarnation = ?", replica);
        }

        private void replicaDies() {
            execute("update replica set alive = false where incarnation = ?", replica);
        }

        @Test
        void isInterruptedAndWhoeverWaitsForItSeesThat() {
            Sse reader = relay().read(CONVERSATIONS + "/" + conversation + "/stream").until(5);
            Sse chunks = relay().read(CONVERSATIONS + "/" + conversation + "/stream?after=0&wire=openai").until(3);
            assertThat(reader.answer()).isEqualTo("Half an answer");
            assertThat(reader.over()).isFalse();

            replicaDies();

            assertThat(reader.toEnd().ids()).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
            assertThat(reader.types().subList(5, 8)).containsExactly("text-end", "finish-step", "error");
            assertThat(reader.done()).isFalse();
            assertThat(chunks.toEnd().last().json().at("/error/type").asText()).isEqualTo("interrupted");
            assertThat(chunks.last().json().at("/error/code").asText()).isEqualTo("replica_lost");
            assertThat(turn(turn.toString())).isEqualTo("interrupted replica_lost");
            JsonNode stored = messages(conversation).getLast();
            assertThat(stored.path("id").asText()).isEqualTo(message.toString());
            assertThat(stored.path("role").asText()).isEqualTo("assistant");
            assertThat(Json.text(stored)).isEqualTo("Half an answer");
            assertThat(relay().read(CONVERSATIONS + "/" + conversation + "/stream?turn=" + turn).toEnd().text())
                    .isEqualTo(reader.text());
        }

        @Test
        void settlesTheCallsThatItLeftOpenOnEitherWireAndInTheMessage() {
            events(6, "{\"t\":\"text-end\",\"id\":\"t\"}", "{\"t\":\"input-start\",\"id\":\"c1\",\"i\":0,\"name\":\"search\"}",
                    "{\"t\":\"input\",\"id\":\"c1\",\"d\":\"{\\\"q\\\":\"}",
                    "{\"t\":\"call\",\"id\":\"c2\",\"i\":1,\"name\":\"lookup\",\"d\":\"{\\\"id\\\":7}\"}");
            Sse ui = relay().read(CONVERSATIONS + "/" + conversation + "/stream").until(8);
            Sse openAi = relay().read(CONVERSATIONS + "/" + conversation + "/stream?wire=openai").until(3);

            replicaDies();

            String[] settled = { "text Half an answer",
                    "refused c1 search \"{\\\"q\\\":\": The turn ended before the input of this call was whole.",
                    "call c2 lookup {\"id\":7} failed: The turn ended without an outcome of this call." };
            assertThat(ToldParts.ofStream(ui.toEnd()).lines()).as(ui.text()).containsExactlyInAnyOrder(settled);
            assertThat(ToldParts.ofStream(openAi.toEnd()).lines()).as(openAi.text()).containsExactlyInAnyOrder(settled);
            assertThat(turn(turn.toString())).isEqualTo("interrupted replica_lost");
            assertThat(ToldParts.ofStored(messages(conversation).getLast()).lines()).containsExactlyInAnyOrder(settled);
        }

        @Test
        void letsTheConversationGoOn() {
            Relay.Answer before = relay().post(CHAT, on());
            replicaIsSilent();
            Relay.Answer meanwhile = relay().post(CHAT, on());
            replicaDies();
            awaitEnd(conversation);

            assertThat(before.status()).isEqualTo(409);
            assertThat(before.header("x-should-retry")).isEqualTo("false");
            assertThat(meanwhile.status()).isEqualTo(409);
            assertThat(meanwhile.header("retry-after")).as("while it is being replaced").isNotEmpty();
            assertThat(relay().send(CHAT, on()).toEnd().done()).isTrue();
        }

        /** Of rows that are larger than what is read at a time, which begins and ends in their middle. */
        @Test
        void keepsAllThatItSaidHoweverItIsStored() {
            StringBuilder said = new StringBuilder("Half an answer");
            long number = 6;
            for (int row = 0; row < 12; row++) {
                String[] lines = new String[row % 3 == 0 ? 40 : 400];
                for (int i = 0; i < lines.length; i++) {
                    String delta = " " + (number + i) + "x".repeat(60);
                    said.append(delta);
                    lines[i] = "{\"t\":\"text\",\"id\":\"t\",\"d\":\"%s\"}".formatted(delta);
                }
                events(number, lines);
                number += lines.length;
            }

            replicaDies();
            awaitEnd(conversation);

            assertThat(Json.text(messages(conversation).getLast())).isEqualTo(said.toString());
            Sse reader = relay().read(CONVERSATIONS + "/" + conversation + "/stream?turn=" + turn).toEnd();
            assertThat(reader.answer()).isEqualTo(said.toString());
            assertThat(reader.ids()).isEqualTo(LongStream.rangeClosed(1, number + 2).boxed().toList());
        }

        @Test
        void keepsItsKeyAndMessageThoughNoneOfItsEventsCanBeRead() {
            execute("update turn set idempotency_key = 'kept' where id = ?", turn);
            execute("delete from turn_event where turn_id = ?", turn);
            events(1, "{\"of no kind\":1}");

            replicaDies();
            awaitEnd(conversation);

            assertThat(turn(turn.toString())).isEqualTo("interrupted replica_lost");
            assertThat(query("select idempotency_key from turn where id = ?", turn)).containsExactly("kept");
        }

        @Test
        void isEndedThoughItsEventsCannotBeRead() {
            events(6, "{\"t\":\"text\",\"id\":\"t\",\"d\":\" and\"}", "{\"of no kind\":1}");

            replicaDies();
            awaitEnd(conversation);

            assertThat(turn(turn.toString())).isEqualTo("interrupted replica_lost");
            assertThat(Json.text(messages(conversation).getLast())).isEqualTo("Half an answer and");
            Sse reader = relay().read(CONVERSATIONS + "/" + conversation + "/stream?turn=" + turn).toEnd();
            // A client may lose the last that came before a cut.
            assertThat("Half an answer and").startsWith(reader.answer());
            assertThat(reader.done()).isFalse();
            assertThat(reader.broken()).as("what is missing is not passed over").isTrue();
            assertThat(relay().send(CHAT, on()).toEnd().done()).isTrue();
        }

        private ObjectNode on() {
            return Json.ask(conversation, "echo on").put("model", "cloud");
        }
    }
}
