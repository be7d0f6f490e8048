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

import io.chatrelay.devmode.InkeepEmulator;

/** {@code kill -9} of a turn at Inkeep Agents, whatever Inkeep has done by then: one run of it, and one whole answer. */
@Order(4)
class FollowIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static InkeepEmulator inkeep;

    @BeforeAll
    static void startInkeep() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
    }

    @AfterAll
    static void stopInkeep() {
        inkeep.close();
    }

    private static RelayProcess.Setup relay() {
        return RelayProcess.on(DATABASE, inkeep).shortLease();
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
        assertThat(answer.end()).as(answer.frames().toString()).isEqualTo("[DONE]");
        assertThat(answer.text()).isEqualTo(text);
        assertThat(answer.ids()).isEqualTo(LongStream.rangeClosed(1, answer.lastNumber()).boxed().toList());
        assertThat(DATABASE.text("select concat(state, ' ', request is null) from turn where id = '" + answer.turn() + "'"))
                .as("nothing of the request is kept").isEqualTo("completed t");
    }

    private static String hello(int messages, String text) {
        return "Hello from the fake model. I saw %d user message(s); the last was \"%s\".".formatted(messages, text);
    }

    @Test
    void aRunOfWhichNothingIsStoredIsFollowedFromItsStart() {
        String text = "late 4000 81";
        try (RelayProcess relay = relay().start()) {
            new RelayClient(relay).chat("agents", "accepted", text, "key-81");
            awaitAsked(text);
            relay.kill9();
        }

        try (RelayProcess relay = relay().start()) {
            SseStream answer = new RelayClient(relay).chat("agents", "accepted", text, "key-81").awaitEnd();

            assertWhole(answer, hello(1, text));
            assertThat(new RelayClient(relay).messages("accepted")).containsExactly("user: " + text,
                    "assistant: " + hello(1, text));
            assertThat(relay.output()).contains("its message is sent again", "it is read again");
            assertThat(asked(text)).extracting(request -> request.at("/body/messages/0/id").asText())
                    .as("the same message twice, of which Inkeep took one").hasSize(2).containsOnly(
                            asked(text).getFirst().at("/body/messages/0/id").asText());
        }
    }

    @Test
    void aRunOfWhichNothingIsStoredIsNotTakenForThePreviousOne() {
        String text = "late 12000 82";
        try (RelayProcess relay = relay().start()) {
            RelayClient client = new RelayClient(relay);
            assertWhole(client.chat("agents", "second", "echo the first answer").awaitEnd(), "the first answer");
            client.chat("agents", "second", text, "key-82");
            awaitAsked(text);
            relay.kill9();
        }

        try (RelayProcess relay = relay().start()) {
            assertWhole(new RelayClient(relay).chat("agents", "second", text, "key-82").awaitEnd(), hello(2, text));
        }
    }

    @Test
    void aMessageThatInkeepHadNotAcceptedIsSentAgainAsItWas() {
        String text = "503 1 83";
        String prefix = "chat-relay.upstreams.agents.";
        try (RelayProcess relay = relay().with(prefix + "retry-backoff", "10m").start()) {
            new RelayClient(relay).chat("agents", "refused", text, "key-83");
            awaitAsked(text);
            relay.kill9();
        }
        assertThat(DATABASE.text("select request from turn where idempotency_key = 'key-83'")).contains("\"headers\"")
                .doesNotContain("authorization", RelayClient.KEY);

        try (RelayProcess relay = relay().start()) {
            assertWhole(new RelayClient(relay).chat("agents", "refused", text, "key-83").awaitEnd(), hello(1, text));
            assertThat(asked(text)).hasSize(2).extracting(request -> request.path("body").toString())
                    .containsOnly(asked(text).getFirst().path("body").toString());
        }
    }

    @Test
    void aRepeatGetsTheWholeAnswerOfARunThatWasCutByTheKill() {
        String text = "words 400 20";
        SseStream seen;
        try (RelayProcess relay = relay().start()) {
            RelayClient client = new RelayClient(relay);
            // A turn that Inkeep refused has no run that could be mistaken for this one's.
            assertThat(client.chat("agents", "answering", "400 84").awaitEnd().status()).isEqualTo(400);
            seen = client.chat("agents", "answering", text, "key-84").awaitEvents(30);
            relay.kill9();
        }

        try (RelayProcess relay = relay().start()) {
            RelayClient client = new RelayClient(relay);
            SseStream answer = client.chat("agents", "answering", text, "key-84").awaitEnd();

            assertThat(answer.turn()).isEqualTo(seen.turn());
            assertThat(answer.events().subList(0, seen.events().size())).isEqualTo(seen.events());
            assertThat(answer.text().split(" word")).hasSize(401);
            assertWhole(answer, answer.text());
            assertThat(asked(text)).hasSize(1);
        }
    }

    @Test
    void aRunBesideWhichAnEarlierOneMayStillSpeakIsNotFollowed() {
        SseStream seen;
        try (RelayProcess relay = relay().start()) {
            RelayClient client = new RelayClient(relay);
            SseStream left = client.chat("agents", "mixed", "echo an answer that nobody reads any more").awaitEnd();
            // As a turn stands whose run this service stopped to read.
            DATABASE.execute("update turn set state = 'interrupted' where id = '" + left.turn() + "'");
            seen = client.chat("agents", "mixed", "words 900 20").awaitEvents(30);
            relay.kill9();
        }

        try (RelayProcess relay = relay().start()) {
            SseStream rest = new RelayClient(relay).readOn("mixed", seen.lastId()).awaitEnd();

            assertThat(rest.end()).isEqualTo("error");
            assertThat(rest.events()).as("the turn's end alone").hasSizeLessThan(5);
            assertThat(DATABASE.text("select state from turn where id = '" + seen.turn() + "'")).isEqualTo("interrupted");
        }
    }
}
