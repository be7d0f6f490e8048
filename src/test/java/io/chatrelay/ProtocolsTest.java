package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.chatrelay.api.counting.CountingProtocol;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.sse.SseEvent;
import io.quarkus.test.junit.QuarkusTest;

/** A protocol that makes several frames of one event, and whose frames depend on the events before: a reader goes on after any frame. */
@QuarkusTest
class ProtocolsTest extends ServiceTest {

    private static String stream(Sse answer) {
        return CONVERSATIONS + "/" + answer.conversation() + "/stream?wire=" + CountingProtocol.NAME;
    }

    private List<SseEvent> after(String id, String path) {
        return relay().with("last-event-id", id).read(path).toEnd().events();
    }

    @Test
    void eachFrameHasAPlaceOfItsOwn() {
        Sse answer = relay().send(CHAT, Json.ask("long 3")).toEnd();

        List<SseEvent> frames = relay().read(stream(answer) + "&turn=" + answer.turn()).toEnd().events();

        List<String> ids = frames.stream().map(SseEvent::id).toList();
        String text = ids.getFirst().substring(0, ids.getFirst().lastIndexOf('.'));
        assertThat(ids).doesNotHaveDuplicates().startsWith(text + ".1", text + ".2", text + ".3");
        assertThat(frames.getLast().data()).isEqualTo("\"closed\"");
        assertThat(frames.get(frames.size() - 3).data()).as("the characters of the whole text")
                .isEqualTo(String.valueOf(answer.answer().length()));
    }

    @Test
    void aFinishedTurnIsReadOnAfterEachOfItsFrames() {
        Sse answer = relay().send(CHAT, Json.ask("long 3")).toEnd();
        String path = stream(answer) + "&turn=" + answer.turn();
        List<SseEvent> frames = relay().read(path).toEnd().events();

        for (int i = 0; i < frames.size(); i++) {
            String id = frames.get(i).id();
            assertThat(after(id, path)).as("after " + id).isEqualTo(frames.subList(i + 1, frames.size()));
        }
        assertThat(relay().with("last-event-id", frames.getLast().id()).get(path).status()).as("after all frames of the end")
                .isEqualTo(204);
    }

    @Test
    void aRunningTurnIsReadOnAfterEachOfItsFramesThoughEachReaderIsCut() {
        String mark = mark();
        Sse asked = relay().send(CHAT, Json.ask("words 40 300 " + mark)).until(4);
        String path = stream(asked);
        List<SseEvent> seen = new ArrayList<>();
        Sse first = relay().read(path).until(1);
        seen.add(first.events().getFirst());
        first.close();

        while (!seen.getLast().data().equals("\"closed\"")) {
            if (seen.size() == 20) {
                emulator().hurry(mark);
            }
            try (Sse next = relay().with("last-event-id", seen.getLast().id()).read(path).until(1)) {
                seen.add(next.events().getFirst());
            }
        }

        await().until(asked::over);
        assertThat(seen).isEqualTo(relay().read(path + "&turn=" + asked.turn()).toEnd().events());
    }

    @Test
    void aProtocolThatIsNotThereIsRefusedWithThoseThatAre() {
        Relay.Answer refused = relay().get(CONVERSATIONS + "/none/stream?wire=telegraph");

        assertError(CONVERSATIONS, refused, 400, "bad_request");
        assertThat(refused.json().path("detail").asText()).contains("ai-sdk", "openai", CountingProtocol.NAME);
    }

    @Test
    void aFramesPlaceNeedsItsTurn() {
        Sse answer = relay().send(CHAT, Json.ask("long 1")).toEnd();

        for (String id : List.of("4.0.1", "1.4.0", "0.4.1", "1.4.1.1", "1.4.", "1..4")) {
            assertThat(relay().with("last-event-id", id).get(stream(answer)).status()).as(id).isEqualTo(400);
        }
    }
}
