package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

import jakarta.inject.Inject;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.ServiceTest;
import io.chatrelay.event.Ids;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.junit.QuarkusTest;

/**
 * What a turn's run has to be told from: the conversation's other turns, in the order of which no id can be trusted, for each replica has
 * its own clock.
 */
@QuarkusTest
class EarlierTurnsTest extends ServiceTest {

    private static final Duration HOUR = Duration.ofHours(1);

    @Inject
    TurnRow.Repository turns;

    private final UUID conversation = Ids.next();
    private final UUID replica = UUID.randomUUID();
    private UUID older;
    private UUID newer;

    @BeforeEach
    void aConversation() {
        older = Ids.next();
        newer = Ids.next();
        // Its lease lasts: nobody takes these turns over.
        execute("insert into replica (incarnation, lease_end) values (?, clock_timestamp() + interval '1 hour')", replica);
        execute("""
                insert into conversation (id, tenant, external_id, caller, upstream, created_at, updated_at)
                values (?, 'dev', ?, 'dev', 'agents', now(), now())""", conversation, newId());
    }

    private void running(UUID id) {
        turn(id, "running", null, null, "null");
    }

    private void ended(UUID id, String state, String code, String run) {
        turn(id, state, code, run, "clock_timestamp()");
    }

    private void turn(UUID id, String state, String code, String run, String endedAt) {
        execute("""
                insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position, caller,
                                  error_code, upstream_position, started_at, ended_at)
                values (?, 'dev', ?, ?, ?, 'agents', 'agents', ?, 2, 'dev', ?, ?, now(), %s)"""
                .formatted(endedAt), id,
                conversation, state, replica, Ids.next(), code, run);
    }

    private <T> T asked(Supplier<T> question) {
        return QuarkusTransaction.requiringNew().call(question::get);
    }

    private boolean mayStillSpeak(UUID turn) {
        Instant since = Instant.now().minus(HOUR);
        boolean one = asked(() -> turns.mayStillSpeak(conversation, turn, since));
        assertThat(asked(() -> turns.mayBeMistaken(List.of(turn), since))).as("asked of many").isEqualTo(one ? Set.of(turn)
                : Set.of());
        return one;
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aTurnThatWasLeftMayStillSpeakWhateverTheClocksSaidWhenItBegan(boolean inOrder) {
        ended(inOrder ? older : newer, "cancelled", null, "run-1");
        running(inOrder ? newer : older);

        assertThat(mayStillSpeak(inOrder ? newer : older)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({ "cancelled,,true", "interrupted,replica_lost,true", "failed,upstream_cut,true", "failed,upstream_timeout,true",
            "failed,upstream_rate_limited,false", "failed,upstream_refused,false", "failed,upstream_unauthorized,false",
            "failed,context_length_exceeded,false", "completed,,false" })
    void onlyATurnWhoseRunMayHaveBegunAndNotEndedMay(String state, String code, boolean may) {
        ended(older, state, code, null);
        running(newer);

        assertThat(mayStillSpeak(newer)).isEqualTo(may);
        assertThat(asked(() -> turns.mayBeUnknown(conversation, newer, Instant.now().minus(HOUR)))).isEqualTo(may);
    }

    @Test
    void aRunWhoseIdWasLearntIsNotUnknown() {
        ended(older, "failed", "upstream_cut", "run-1");
        running(newer);

        assertThat(asked(() -> turns.mayBeUnknown(conversation, newer, Instant.now().minus(HOUR)))).isFalse();
        assertThat(asked(() -> turns.earlierRuns(conversation, newer))).containsExactly("run-1");
    }

    @Test
    void allOtherRunsAreEarlierOnes() {
        UUID newest = Ids.next();
        ended(older, "completed", null, "run-1");
        ended(newest, "completed", null, "run-2");
        running(newer);

        assertThat(asked(() -> turns.earlierRuns(conversation, newer))).containsExactlyInAnyOrder("run-1", "run-2");
    }

    @Test
    void whatEndedLongAgoIsSilent() {
        ended(older, "cancelled", null, "run-1");
        execute("update turn set ended_at = now() - interval '2 hours' where id = ?", older);
        running(newer);

        assertThat(mayStillSpeak(newer)).isFalse();
    }

    @Test
    void theRunningTurnIsTheCurrentOneThoughAnotherHasTheNewerId() {
        running(older);
        ended(newer, "cancelled", null, null);

        assertThat(asked(() -> turns.current(conversation)).orElseThrow().id).isEqualTo(older);
    }

    @Test
    void whereNoneRunsTheNewestIs() {
        ended(older, "completed", null, null);
        ended(newer, "cancelled", null, null);

        assertThat(asked(() -> turns.current(conversation)).orElseThrow().id).isEqualTo(newer);
    }
}
