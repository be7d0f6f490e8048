package io.chatrelay.cluster;

import static io.chatrelay.database.ScriptedDatabase.CLOSE;
import static io.chatrelay.database.ScriptedDatabase.CONNECT;
import static io.chatrelay.database.ScriptedDatabase.ROLLBACK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;

import org.junit.jupiter.api.Test;

import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Result;

class KeptConnectionTest {

    private static final String SHOW = "show incarnation";
    private static final Duration BOUND = Duration.ofSeconds(3);

    private final ManualClock clock = new ManualClock();
    private final ScriptedDatabase database = new ScriptedDatabase(clock::advance)
            .knows(SHOW, "select pg_try_advisory_lock_shared(?)", _ -> Result.row(true));
    private UUID incarnation = UUID.randomUUID();
    private final KeptConnection kept = new KeptConnection(database.source(), BOUND, () -> incarnation,
            new Presence(Duration.ofSeconds(1)), clock);

    @Test
    void plansGrowOldAndAreMadeAnewOutsideOfATransaction() throws SQLException {
        database.knows("plan anew", "discard plans", _ -> Result.changed(0));
        kept.idle();
        kept.idle();
        assertThat(database.calls("plan anew")).isEmpty();

        clock.advance(Duration.ofMinutes(1));
        kept.get();
        assertThat(database.calls("plan anew")).isEmpty();
        kept.idle();
        kept.idle();
        assertThat(database.calls("plan anew")).hasSize(1);
    }

    @Test
    void aConnectionIsOpenedOnceAndShowsItsIncarnationOnce() throws SQLException {
        Connection first = kept.get();

        assertThat(kept.get()).isSameAs(first);
        assertThat(database.said()).containsExactly(CONNECT, SHOW);
        assertThat(database.calls(SHOW).getFirst().number(1)).isEqualTo(incarnation.getMostSignificantBits());
    }

    @Test
    void aConnectionShowsANewIncarnation() throws SQLException {
        kept.get();
        incarnation = UUID.randomUUID();
        kept.get();

        assertThat(database.said()).containsExactly(CONNECT, SHOW, SHOW);
        assertThat(database.calls(SHOW).getLast().number(1)).isEqualTo(incarnation.getMostSignificantBits());
    }

    @Test
    void aConnectionThatWasDiscardedIsReplaced() throws SQLException {
        kept.get().setAutoCommit(false);

        kept.discard();
        assertThat(kept.isOpen()).isFalse();
        kept.get();

        assertThat(database.said()).containsExactly(CONNECT, SHOW, ROLLBACK, CLOSE, CONNECT, SHOW);
    }

    @Test
    void noAnswerIsAwaitedForLongerThanTheBound() {
        long start = clock.getAsLong();
        database.on(SHOW).timesOut();

        assertThatThrownBy(kept::get).isInstanceOf(SQLException.class);

        assertThat(Duration.ofNanos(clock.getAsLong() - start)).isEqualTo(BOUND);
    }

    @Test
    void aConnectionThatBrokeIsDiscardedWithoutAnError() {
        database.on(SHOW).breaks();
        assertThatThrownBy(kept::get).isInstanceOf(SQLException.class);

        kept.discard();

        assertThat(database.said()).containsExactly(CONNECT, SHOW, CLOSE);
    }

    @Test
    void aConnectionThatCannotBeOpenedIsTriedAgainByTheNextUse() throws SQLException {
        database.on(CONNECT).breaks();

        assertThatThrownBy(kept::get).isInstanceOf(SQLException.class);
        assertThat(kept.isOpen()).isFalse();
        kept.get();

        assertThat(kept.isOpen()).isTrue();
    }
}
