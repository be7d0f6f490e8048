package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;

import org.junit.jupiter.api.Test;

import io.chatrelay.support.Json;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Afterwards, a turn's events are in few rows, and are replayed as they were. */
@QuarkusTest
class JournalCompactionTest extends ServiceTest {

    private long rows(String turn) {
        return Long.parseLong(query("select count(*) from turn_event where turn_id = ?::uuid", turn).getFirst());
    }

    @Test
    void theRowsOfATurnThatEndedAMinuteAgoAreMerged() {
        Sse told = relay().send(CHAT, Json.ask(newId(), "slow 20 " + mark())).toEnd();
        assertThat(rows(told.turn())).isGreaterThan(1);

        execute("update turn set ended_at = ended_at - interval '1 hour' where id = ?::uuid", told.turn());

        await().atMost(Duration.ofSeconds(60)).until(() -> rows(told.turn()) == 1);
        Sse replayed = relay().read(CONVERSATIONS + "/" + told.conversation() + "/stream?turn=" + told.turn()).toEnd();
        assertThat(replayed.ids()).isEqualTo(told.ids());
        assertThat(replayed.answer()).isEqualTo(told.answer());
    }
}
