package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;

/**
 * {@code kill -9} of turns at Inkeep Agents, whatever Inkeep has done by then: one run of each, and one whole answer. All of them are in
 * one process when it is killed; another is started at the same database, and takes them over.
 */
@Order(10)
class FollowIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static final String ACCEPTED = "late 4000 81";
    private static final String SECOND = "late 12000 82";
    private static final String REFUSED = "503 1 83";
    private static final String ANSWERING = "words 400 20";
    private static InkeepEmulator inkeep;
    private static RelayProcess relay;
    private static SseStream answering;
    private static SseStream mixed;

    @BeforeAll
    static void killAndStartAgain() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        // What Inkeep has refused is not asked again before the kill.
        try (RelayProcess killed = relay().with("chat-relay.upstreams.agents.retry-backoff", "1m").start()) {
            RelayClient client = new RelayClient(killed);
            // A turn that Inkeep refused has no run that could be mistaken for the next one's.
            assertThat(client.chat("agents", "answering", "400 84").awaitEnd().status()).isEqualTo(400);
            assertWhole(client.chat("agents", "second", "echo the first answer").awaitEnd(), "the first answer");
            SseStream left = client.chat("agents", "mixed", "echo an answer that nobody reads any more").awaitEnd();
            // As a turn stands whose run this service stopped to read.
            DATABASE.execute("update turn set state = 'interrupted' where id = '" + left.turn() + "'");
            client.chat("agents", "refused", REFUSED, "key-83");
            mixed = client.chat("agents", "mixed", "words 900 20").awaitEvents(30);
            answering = client.chat("agents", "answering", ANSWERING, "key-84").awaitEvents(30);
            client.chat("agents", "second", SECOND, "key-82");
            client.chat("agents", "accepted", ACCEPTED, "key-81");
            List.of(REFUSED, SECOND, ACCEPTED).forEach(FollowIT::awaitAsked);
            killed.kill9();
        }
        assertThat(DATABASE.text("select request from turn where idempotency_key = 'key-83'")).contains("\"headers\"")
                .doesNotContain("authorization", RelayClient.KEY);
        relay = relay().start();
    }

    @AfterAll
    static void stop() {
        if (relay != null) {
            relay.close();
        }
        inkeep.close();
    }

    private static RelayProcess.Setup relay() {
        return RelayProcess.on(DATABASE, inkeep).shortLease();
    }

    private static SseStream again(String conversation, String text, String key) {
        return new RelayClient(relay).chat("agents", conversation, text, key).awaitEnd();
    }

    /** What Inkeep was asked with that text. */
    private static List<JsonNode> asked(String text) {
        List<JsonNode> asked = new ArrayList<>();
        RelayClient.get(URI.create("http://127.0.0.1:%d/emulator/requests?text=%s".formatted(inkeep.port(),
                text.replace(" ", "%20")))).forEach(asked::add);
        return asked;
    }

    private static void awaitAsked(String text) {
        Awaitility.await("Inkeep's being asked").until(() -> !asked(text).isEmpty());
    }

    private static void assertWhole(SseStream answer, String text) {
        assertThat(answer.end()).as(answer.events().toString()).isEqualTo("[DONE]");
        assertThat(answer.answer()).isEqualTo(text);
        assertThat(answer.ids()).isEqualTo(LongStream.rangeClosed(1, answer.lastNumber()).boxed().toList());
        assertThat(DATABASE.text("select concat(state, ' ', request is null) from turn where id = '" + answer.turn() + "'"))
                .as("nothing of the request is kept").isEqualTo("completed t");
    }

    private static String hello(int messages, String text) {
        return "Hello from the fake model. I saw %d user message(s); the last was \"%s\".".formatted(messages, text);
    }

    @Test
    void aRunOfWhichNothingIsStoredIsFollowedFromItsStart() {
        SseStream answer = again("accepted", ACCEPTED, "key-81");

        assertWhole(answer, hello(1, ACCEPTED));
        assertThat(new RelayClient(relay).messages("accepted")).containsExactly("user: " + ACCEPTED,
                "assistant: " + hello(1, ACCEPTED));
        assertThat(relay.output()).containsPattern("turn %s .*its message is sent again".formatted(answer.turn()))
                .containsPattern("turn %s: .*it is read again".formatted(answer.turn()));
        assertThat(asked(ACCEPTED)).extracting(request -> request.at("/body/messages/0/id").asText())
                .as("the same message twice, of which Inkeep took one").hasSize(2).containsOnly(
                        asked(ACCEPTED).getFirst().at("/body/messages/0/id").asText());
    }

    @Test
    void aRunOfWhichNothingIsStoredIsNotTakenForThePreviousOne() {
        assertWhole(again("second", SECOND, "key-82"), hello(2, SECOND));
    }

    @Test
    void aMessageThatInkeepHadNotAcceptedIsSentAgainAsItWas() {
        assertWhole(again("refused", REFUSED, "key-83"), hello(1, REFUSED));
        assertThat(asked(REFUSED)).hasSize(2).extracting(request -> request.path("body").toString())
                .containsOnly(asked(REFUSED).getFirst().path("body").toString());
    }

    @Test
    void aRepeatGetsTheWholeAnswerOfARunThatWasCutByTheKill() {
        SseStream answer = again("answering", ANSWERING, "key-84");

        assertThat(answer.turn()).isEqualTo(answering.turn());
        assertThat(answer.numbered().subList(0, answering.numbered().size())).isEqualTo(answering.numbered());
        assertThat(answer.answer().split(" word")).hasSize(401);
        assertWhole(answer, answer.answer());
        assertThat(asked(ANSWERING)).hasSize(1);
    }

    @Test
    void aRunBesideWhichAnEarlierOneMayStillSpeakIsNotFollowed() {
        SseStream rest = new RelayClient(relay).readOn("mixed", mixed.lastId()).awaitEnd();

        assertThat(rest.end()).isEqualTo("error");
        assertThat(rest.numbered()).as("the turn's end, after what was stored and not read before the kill")
                .hasSizeLessThan(100);
        assertThat(DATABASE.text("select state from turn where id = '" + mixed.turn() + "'")).isEqualTo("interrupted");
    }
}
