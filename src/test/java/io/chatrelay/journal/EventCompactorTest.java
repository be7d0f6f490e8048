package io.chatrelay.journal;

import static io.chatrelay.database.ScriptedDatabase.COMMIT;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

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
            new Settings.Bounds());
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

    private void assertMerged(UUID turn) {
        assertThat(stored.rows(turn)).containsExactly("1-2: a b");
    }

    @Test
    void theRowsOfEndedTurnsAreMerged() {
        compactor.compact();

        assertMerged(first);
        assertMerged(second);
    }

    @Test
    void aTurnWhoseRowsAreRefusedStaysAsItIsAndTheNextIsMerged() {
        database.always(StoredEvents.PUT_BACK, call -> call.array(1).contains(first)).fails("22021");
        compactor.compact();

        assertMerged(second);
        assertThat(stored.rows(first)).containsExactly("1-1: a", "2-2: b");
    }

    @Test
    void everyEventStaysStoredWhereTheConnectionBreaks() {
        // The commit that marks the turn, and then the one of its rows.
        database.on(COMMIT).succeeds().breaks();
        compactor.compact();
        compactor.compact();

        assertMerged(second);
        assertThat(stored.events(first)).containsExactly("a", "b");
    }

    @Test
    void anErasedTurnStaysErased() {
        turns.erased.add(first);
        compactor.compact();

        assertMerged(second);
        assertThat(stored.rows(first)).as("untouched").hasSize(2);
    }
}
