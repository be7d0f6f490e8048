package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.Failure;
import io.chatrelay.inkeep.RetryPolicy.Attempt;
import io.chatrelay.inkeep.RetryPolicy.Next;
import io.chatrelay.inkeep.RetryPolicy.Resend;

/** What follows an attempt that brought no answer. */
class RetryPolicyTest {

    private static final Failure REFUSED = Failure.of(Failure.Code.UPSTREAM_UNAVAILABLE, "It refused.");
    private static final Failure LOST = Failure.of(Failure.Code.UPSTREAM_UNAVAILABLE, "It was lost.");

    private static RetryPolicy policy(Resend resend, int retries) {
        return new RetryPolicy(resend, retries, Duration.ofMillis(200), Duration.ofSeconds(10));
    }

    @ParameterizedTest
    @CsvSource({ "1, 200", "2, 400", "3, 800", "4, 1600" })
    void thePauseDoubles(int number, long millis) {
        assertThat(policy(Resend.NEVER, 4).noConnection(new Attempt(number, null), REFUSED))
                .isEqualTo(new Next.Retry(new Attempt(number + 1, null), Duration.ofMillis(millis)));
    }

    @ParameterizedTest
    @EnumSource(Resend.class)
    void aRefusedConnectionIsTriedAgainAndThenFails(Resend resend) {
        assertThat(policy(resend, 1).noConnection(new Attempt(1, null), REFUSED)).isInstanceOf(Next.Retry.class);
        assertThat(policy(resend, 1).noConnection(new Attempt(2, null), REFUSED)).isEqualTo(new Next.Fail(REFUSED));
        assertThat(policy(resend, 0).noConnection(new Attempt(1, null), REFUSED)).isEqualTo(new Next.Fail(REFUSED));
    }

    @ParameterizedTest
    @CsvSource({ "1, 1000", "0, 200", "10, 10000" })
    void theLongerPauseCounts(long retryAfter, long millis) {
        assertThat(policy(Resend.NEVER, 1).refused(Attempt.first(), 429, "", retryAfter))
                .isEqualTo(new Next.Retry(new Attempt(2, null), Duration.ofMillis(millis)));
    }

    @Test
    void aPauseThatIsTooLongFailsAndSaysHowLongItIs() {
        assertThat(policy(Resend.BY_ID, 1).refused(Attempt.first(), 429, "", 11L)).isInstanceOfSatisfying(Next.Fail.class,
                fail -> {
                    assertThat(fail.failure().code()).isEqualTo(Failure.Code.UPSTREAM_RATE_LIMITED);
                    assertThat(fail.failure()).isEqualTo(ErrorResponses.of(429, "", 11L));
                });
    }

    @Test
    void noPauseIsShorterThanATimer() {
        RetryPolicy hasty = new RetryPolicy(Resend.NEVER, 1, Duration.ZERO, Duration.ZERO);

        assertThat(hasty.noConnection(Attempt.first(), REFUSED))
                .isEqualTo(new Next.Retry(new Attempt(2, null), Duration.ofMillis(1)));
    }

    @Test
    void aRequestThatMayHaveBeenReceivedIsSentAgainOnlyByItsId() {
        assertThat(policy(Resend.NEVER, 3).noAnswer(Attempt.first())).isInstanceOf(Next.Fail.class);
        for (Resend resend : new Resend[]{ Resend.BY_ID, Resend.SENT_BEFORE }) {
            assertThat(policy(resend, 3).noAnswer(Attempt.first())).isInstanceOfSatisfying(Next.Retry.class, retry -> {
                assertThat(retry.attempt().number()).isEqualTo(2);
                assertThat(retry.attempt().lost().message()).contains("without an answer");
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 502, 503, 504 })
    void aProxysAnswerMayHideALostOne(int status) {
        assertThat(policy(Resend.BY_ID, 3).refused(Attempt.first(), status, "", null)).isEqualTo(
                new Next.Retry(new Attempt(2, ErrorResponses.of(status, "", null)), Duration.ofMillis(200)));
        assertThat(policy(Resend.NEVER, 3).refused(Attempt.first(), status, "", null))
                .isEqualTo(new Next.Retry(new Attempt(2, null), Duration.ofMillis(200)));
    }

    @ParameterizedTest
    @CsvSource({ "NEVER, false, false", "NEVER, true, false", "BY_ID, false, false", "BY_ID, true, true",
            "SENT_BEFORE, false, true", "SENT_BEFORE, true, true" })
    void aConflictIsAnAcceptedMessageIfInkeepMayHaveReceivedIt(Resend resend, boolean lost, boolean accepted) {
        Next next = policy(resend, 3).refused(new Attempt(2, lost ? LOST : null), 409, "", null);

        assertThat(next).isInstanceOf(accepted ? Next.ReadElsewhere.class : Next.Fail.class);
    }

    @ParameterizedTest
    @ValueSource(ints = { 400, 401, 409, 413, 500, 201 })
    void everyOtherAnswerFailsAtOnce(int status) {
        assertThat(policy(Resend.BY_ID, 3).refused(Attempt.first(), status, "", 1L))
                .isEqualTo(new Next.Fail(ErrorResponses.of(status, "", 1L)));
    }

    @Test
    void aLaterAnswerDoesNotExplainALostOne() {
        Attempt later = new Attempt(2, LOST);

        assertThat(policy(Resend.BY_ID, 3).refused(later, 400, "", null)).isEqualTo(new Next.Fail(LOST));
        assertThat(policy(Resend.BY_ID, 3).refused(later, 429, "", 3600L)).isEqualTo(new Next.Fail(LOST));
        assertThat(policy(Resend.BY_ID, 1).noConnection(later, REFUSED)).isEqualTo(new Next.Fail(LOST));
    }
}
