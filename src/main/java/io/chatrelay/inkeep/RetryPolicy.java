package io.chatrelay.inkeep;

import java.time.Duration;

import io.chatrelay.event.Failure;

/**
 * Decides what follows an attempt that brought no answer: another attempt after a pause, the failure of the turn, or an answer that is read
 * elsewhere. The decision is a pure function of the attempt and of what came of it.
 *
 * @param retries       how many attempts may follow the first one
 * @param backoff       pause after the first attempt; it doubles with each further one
 * @param maxRetryAfter the turn fails if Inkeep asks for a longer pause
 */
record RetryPolicy(Resend resend, int retries, Duration backoff, Duration maxRetryAfter) {

    /** Whether the request may be sent again after Inkeep may have received it. */
    enum Resend {
        /** The request would be answered twice. */
        NEVER,
        /** Inkeep recognizes the message by its id: it then answers 409, and the answer must be read elsewhere. */
        BY_ID,
        /** As {@link #BY_ID}, and this is not the first time that the message is sent. */
        SENT_BEFORE
    }

    /**
     * One attempt to have the request answered.
     *
     * @param number from 1
     * @param lost   the failure of the last attempt that Inkeep may have received; null if there was none
     */
    record Attempt(int number, Failure lost) {

        static Attempt first() {
            return new Attempt(1, null);
        }

        private Attempt next() {
            return new Attempt(number + 1, lost);
        }

        private Attempt lostWith(Failure failure) {
            return new Attempt(number, failure);
        }
    }

    /** What follows an attempt. */
    sealed interface Next {

        /** The request is sent again after the pause. */
        record Retry(Attempt attempt, Duration pause) implements Next {}

        /** The turn fails. */
        record Fail(Failure failure) implements Next {}

        /** Inkeep received the message in an earlier attempt: its answer is read in another way. */
        record ReadElsewhere() implements Next {}
    }

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(1);

    /** No connection was made, so Inkeep has not received the request in this attempt. */
    Next noConnection(Attempt attempt, Failure failure) {
        return again(attempt, null, failure);
    }

    /** The connection broke before an answer: Inkeep may have received the request. */
    Next noAnswer(Attempt attempt) {
        Failure failure = Failure.of(Failure.Code.UPSTREAM_UNAVAILABLE,
                "The {upstream} closed the connection without an answer.");
        return resend == Resend.NEVER ? new Next.Fail(failure) : again(attempt.lostWith(failure), null, failure);
    }

    /**
     * The answer is not a 200.
     *
     * @param retryAfter seconds; null if the answer does not say
     */
    Next refused(Attempt attempt, int status, String body, Long retryAfter) {
        if (isAccepted(attempt, status)) {
            return new Next.ReadElsewhere();
        }
        Failure failure = ErrorResponses.of(status, body, retryAfter);
        if (!ErrorResponses.isWorthAnotherTry(status)) {
            return fail(attempt, failure);
        }
        // A 502, 503 or 504 is the answer of a proxy: Inkeep may have received the request behind it.
        boolean lost = status != 429 && resend != Resend.NEVER;
        return again(lost ? attempt.lostWith(failure) : attempt, retryAfter, failure);
    }

    private boolean isAccepted(Attempt attempt, int status) {
        return status == 409 && (attempt.lost() != null && resend == Resend.BY_ID || resend == Resend.SENT_BEFORE);
    }

    private Next again(Attempt attempt, Long retryAfter, Failure failure) {
        Duration asked = retryAfter == null ? Duration.ZERO : Duration.ofSeconds(retryAfter);
        if (attempt.number() > retries || asked.compareTo(maxRetryAfter) > 0) {
            return fail(attempt, failure);
        }
        Duration ours = backoff.multipliedBy(1L << attempt.number() - 1);
        return new Next.Retry(attempt.next(), longest(SHORTEST_PAUSE, ours, asked));
    }

    private static Duration longest(Duration... pauses) {
        Duration longest = pauses[0];
        for (Duration pause : pauses) {
            longest = pause.compareTo(longest) > 0 ? pause : longest;
        }
        return longest;
    }

    /** The result of a later attempt does not show what became of the attempt that Inkeep may have received: that one may be a run. */
    private static Next fail(Attempt attempt, Failure failure) {
        return new Next.Fail(attempt.lost() == null ? failure : attempt.lost());
    }
}
