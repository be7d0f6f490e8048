package io.chatrelay.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import org.junit.jupiter.api.Test;

import io.chatrelay.cluster.ManualClock;
import io.chatrelay.database.ScriptedDatabase;

class EventTableTest {

    private static final long ALL = 1000;

    private final ScriptedDatabase database = new ScriptedDatabase(new ManualClock()::advance);
    private final StoredEvents stored = new StoredEvents(database, _ -> true);
    private final EventTable<String> table = new EventTable<>(new Lines());
    private final UUID turn = UUID.randomUUID();

    private Connection connection() throws SQLException {
        return database.source().getConnection();
    }

    private List<String> after(long position, long maxBytes) throws SQLException {
        return text(table.after(connection(), turn, position, maxBytes));
    }

    private static List<String> text(List<JournalEntry<String>> entries) {
        return entries.stream().map(entry -> entry.number() + " " + entry.event()).toList();
    }

    @Test
    void entriesBeginInTheMiddleOfARow() throws SQLException {
        stored.put(turn, 1, "a", "b", "c");
        stored.put(turn, 4, "d");

        assertThat(after(1, ALL)).containsExactly("2 b", "3 c", "4 d");
        assertThat(after(4, ALL)).isEmpty();
    }

    @Test
    void entriesEndAtTheRequestedSizeButThereIsAtLeastOne() throws SQLException {
        stored.put(turn, 1, "aaaa", "bbbb", "cccc");

        assertThat(after(0, 1)).containsExactly("1 aaaa");
        assertThat(after(0, 6)).containsExactly("1 aaaa", "2 bbbb");
    }

    @Test
    void entriesEndBeforeAGapAndTheNextAfterItIsAnError() throws SQLException {
        stored.put(turn, 1, "a");
        stored.put(turn, 3, "c");

        assertThat(after(0, ALL)).containsExactly("1 a");
        assertThatThrownBy(() -> after(1, ALL)).isInstanceOf(UnreadableEventException.class)
                .hasMessage("event 2 of turn " + turn + " cannot be read");
    }

    @Test
    void aPollSaysWhetherThereIsMoreAndWhetherTheTurnHasEnded() throws SQLException {
        UUID other = UUID.randomUUID();
        UUID erased = UUID.randomUUID();
        stored.put(turn, 1, "aaaa", "bbbb");
        stored.end(turn);
        stored.put(other, 1, "a");
        stored.erase(erased);

        var news = table.after(connection(), Map.of(turn, 0L, other, 1L, erased, 0L), 3);

        assertThat(text(news.get(turn).entries())).containsExactly("1 aaaa");
        assertThat(news.get(turn).all()).isFalse();
        assertThat(news.get(turn).ended()).isTrue();
        assertThat(news.get(other)).isEqualTo(new EventTable.News<>(List.of(), true, false));
        assertThat(news).doesNotContainKey(erased);
    }

    @Test
    void mergedRowsHaveTheSameNumbers() throws SQLException {
        stored.put(turn, 1, "a");
        stored.put(turn, 2, "b", "c");
        stored.put(turn, 4, "ddddd");
        stored.put(turn, 5, "e");

        EventTable.compact(connection(), turn, 5);

        assertThat(stored.rows(turn)).containsExactly("1-3: a b c", "4-4: ddddd", "5-5: e");
    }
}
