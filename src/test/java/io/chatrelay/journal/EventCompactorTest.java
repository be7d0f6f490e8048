package io.chatrelay.journal;

import static io.chatrelay.database.ScriptedDatabase.COMMIT;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.cluster.ManualClock;
import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Result;

class EventCompactorTest {

    private final ScriptedDatabase database = new ScriptedDatabase(new ManualClock()::advance)
            .knows("unhurried", "set local synchronous_commit = off", _ -> Result.changed(0));
    private final StoredEvents stored = new StoredEvents(database, _ -> true);
    private final Turns turns = new Turns();
    private final EventCompactor compactor = new EventCompactor(database.source(), turns,
            new Settings.Bounds().withCompactionsEvery(Duration.ofMillis(5)));
    private final UUID first = UUID.randomUUID();
    private final UUID second = UUID.randomUUID();

    /** Ended turns, in the order in which they ended. */
    private static final class Turns extends NoTurns {
        private final Queue<UUID> ended = new ConcurrentLinkedQueue<>();
        private final Set<UUID> erased = ConcurrentHashMap.newKeySet();

        @Override
        public UUID nextToCompact(Connection connection) {
            return ended.poll();
        }

        @Override
        public boolean lock(Connection connection, UUID turn) {
            return !erased.contains(turn);
        }
    }

    @BeforeEach
    void twoEndedTurns() {
        for (UUID turn : List.of(first, second)) {
            stored.put(turn, 1, "a");
            stored.put(turn, 2, "b");
            turns.ended.add(turn);
        }
    }

    @AfterEach
    void stop() {
        compactor.stop();
    }

    private void awaitMerged(UUID turn) {
        Awaitility.await().atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(5))
                .until(() -> stored.rows(turn).equals(List.of("1-2: a b")));
    }

    @Test
    void theRowsOfEndedTurnsAreMerged() {
        compactor.start();

        awaitMerged(first);
        awaitMerged(second);
    }

    @Test
    void aTurnWhoseRowsAreRefusedStaysAsItIsAndTheNextIsMerged() {
        database.always(StoredEvents.PUT_BACK, call -> call.array(1).contains(first)).fails("22021");
        compactor.start();

        awaitMerged(second);
        assertThat(stored.rows(first)).containsExactly("1-1: a", "2-2: b");
    }

    @Test
    void everyEventStaysStoredWhereTheConnectionBreaks() {
        // The commit that marks the turn, and then the one of its rows.
        database.on(COMMIT).succeeds().breaks();
        compactor.start();

        awaitMerged(second);
        assertThat(stored.events(first)).containsExactly("a", "b");
    }

    @Test
    void anErasedTurnStaysErased() {
        turns.erased.add(first);
        compactor.start();

        awaitMerged(second);
        assertThat(stored.rows(first)).as("untouched").hasSize(2);
    }
}
