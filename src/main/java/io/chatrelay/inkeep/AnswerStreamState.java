package io.chatrelay.inkeep;

import io.chatrelay.inkeep.RetryPolicy.Attempt;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/**
 * The state of an answer stream in relation to its connection:
 *
 * <pre>
 * NotBegun ─▶ Connecting ─▶ Sent ── an event stream ──▶ Opening ─▶ Reading ── its end ──▶ EndRead ── the body ends ──▶ BodyOver
 *              ▲   │         │                             ▲          └── the body ends ──▶ BodyOver
 *              │   │         │                         HeadGiven
 *              │   │         └── another answer ──▶ Answered
 *              │   └─────────┴───────────┬──────────────┘
 *              │                         ├── another attempt follows ──▶ Waiting ─┐
 *              └─────────────────────────┼────────────────────────────────────────┘
 *                                        └── a whole answer, a failure, or an answer that is read elsewhere ──▶ BodyOver
 * closed:
 * HeadGiven, Sent ── reset ──▶ Over
 * Opening, Reading, EndRead ──▶ Lingering ── the body ends, or reset ──▶ Over
 * every other state ──▶ Over
 * </pre>
 *
 * Each method is a transition. In a state without that transition it throws an {@link IllegalStateException} that names both. A state holds
 * what exists in this state only: the request, the response, the decoder, the timer.
 */
sealed interface AnswerStreamState {

    /** Nothing was requested yet, so nothing is sent. */
    record NotBegun() implements AnswerStreamState {

        @Override
        public AnswerStreamState begin() {
            return new Connecting(Attempt.first());
        }
    }

    /** Nothing was requested yet, but the head of the answer has already arrived. */
    record HeadGiven(PendingRequest pending, HttpClientResponse response) implements AnswerStreamState {

        @Override
        public AnswerStreamState begin() {
            return new Opening(pending.request(), response);
        }
    }

    /** A connection is being made, or awaited from the pool. */
    record Connecting(Attempt attempt) implements AnswerStreamState {

        @Override
        public AnswerStreamState connected(HttpClientRequest request) {
            return new Sent(attempt, request);
        }

        @Override
        public AnswerStreamState waitsToRetry(Attempt next) {
            return new Waiting(next);
        }

        @Override
        public AnswerStreamState endDecoded(boolean completed) {
            return new BodyOver(true);
        }
    }

    /** The request is sent. Its answer is awaited, or the rest of an answer that is not an event stream. */
    record Sent(Attempt attempt, HttpClientRequest request) implements AnswerStreamState {

        @Override
        public AnswerStreamState streams(HttpClientResponse response) {
            return new Opening(request, response);
        }

        @Override
        public AnswerStreamState answered() {
            return new Answered(attempt);
        }

        @Override
        public AnswerStreamState waitsToRetry(Attempt next) {
            return new Waiting(next);
        }

        @Override
        public AnswerStreamState endDecoded(boolean completed) {
            return new BodyOver(true);
        }
    }

    /** An answer that is not an event stream has been received. The request is forgotten: its connection may already serve another turn. */
    record Answered(Attempt attempt) implements AnswerStreamState {

        @Override
        public AnswerStreamState waitsToRetry(Attempt next) {
            return new Waiting(next);
        }

        @Override
        public AnswerStreamState readElsewhere() {
            return new BodyOver(false);
        }

        @Override
        public AnswerStreamState endDecoded(boolean completed) {
            return new BodyOver(true);
        }
    }

    /** The pause before the next attempt. */
    record Waiting(Attempt next) implements AnswerStreamState {

        @Override
        public AnswerStreamState retry() {
            return new Connecting(next);
        }
    }

    /** The head of an event stream has arrived; its decoder is being made. */
    record Opening(HttpClientRequest request, HttpClientResponse response) implements AnswerStreamState {

        @Override
        public AnswerStreamState decodedBy(AnswerDecoder decoder) {
            return new Reading(request, response, decoder, false, null, NO_TIMER);
        }

        @Override
        public AnswerStreamState closed() {
            return new Lingering(request);
        }
    }

    /**
     * The body is read, and its end is not known yet.
     *
     * @param fetching     whether bytes were requested that have not arrived
     * @param awaitedNanos since when a frame is awaited; null if none is
     * @param watch        the timer that ends a body that is silent for too long
     */
    record Reading(HttpClientRequest request, HttpClientResponse response, AnswerDecoder decoder, boolean fetching,
            Long awaitedNanos, long watch) implements AnswerStreamState {

        @Override
        public AnswerStreamState fetching(long nanos) {
            return fetching ? AnswerStreamState.super.fetching(nanos)
                    : new Reading(request, response, decoder, true, awaitedSince(nanos), watch);
        }

        @Override
        public AnswerStreamState bytesArrived() {
            return new Reading(request, response, decoder, false, awaitedNanos, watch);
        }

        @Override
        public AnswerStreamState frameArrived() {
            return new Reading(request, response, decoder, fetching, null, watch);
        }

        @Override
        public AnswerStreamState watchedBy(long timer) {
            return new Reading(request, response, decoder, fetching, awaitedNanos, timer);
        }

        @Override
        public AnswerStreamState endDecoded(boolean completed) {
            return new EndRead(request, response, completed, watch);
        }

        @Override
        public AnswerStreamState bodyEnded() {
            return new BodyOver(false);
        }

        @Override
        public AnswerStreamState closed() {
            return new Lingering(request);
        }

        @Override
        public long awaitedSince(long nanos) {
            return awaitedNanos == null ? nanos : awaitedNanos;
        }
    }

    /** The end of the answer is queued, and its body is still open. @param completed whether the answer completed */
    record EndRead(HttpClientRequest request, HttpClientResponse response, boolean completed, long watch)
            implements
                AnswerStreamState {

        @Override
        public AnswerStreamState bodyEnded() {
            return new BodyOver(true);
        }

        @Override
        public AnswerStreamState closed() {
            return new Lingering(request);
        }
    }

    /**
     * Nothing more is read; only queued events are delivered.
     *
     * @param ended whether the end of the answer is among them; if not, the run continues in another body
     */
    record BodyOver(boolean ended) implements AnswerStreamState {

        @Override
        public AnswerStreamState endDecoded(boolean completed) {
            return ended ? AnswerStreamState.super.endDecoded(completed) : new BodyOver(true);
        }
    }

    /** Nothing more is delivered. The rest of the body is discarded until its end; if that takes too long, the connection is closed. */
    record Lingering(HttpClientRequest request) implements AnswerStreamState {

        @Override
        public AnswerStreamState bodyEnded() {
            return new Over();
        }

        @Override
        public AnswerStreamState closed() {
            return this;
        }
    }

    /** Nothing more is delivered, and the stream has no connection any more. */
    record Over() implements AnswerStreamState {}

    /** No timer has this id. */
    long NO_TIMER = -1;

    /** An event is requested for the first time. */
    default AnswerStreamState begin() {
        throw illegal("begin");
    }

    /** The connection is made. */
    default AnswerStreamState connected(HttpClientRequest request) {
        throw illegal("connected");
    }

    /** The head of an event stream has arrived. */
    default AnswerStreamState streams(HttpClientResponse response) {
        throw illegal("streams");
    }

    /** The whole of another answer has arrived. */
    default AnswerStreamState answered() {
        throw illegal("answered");
    }

    /** The attempt failed, and another one follows. */
    default AnswerStreamState waitsToRetry(Attempt next) {
        throw illegal("waitsToRetry");
    }

    /** The pause is over. */
    default AnswerStreamState retry() {
        throw illegal("retry");
    }

    /** The answer is not in this body: an earlier attempt was accepted. */
    default AnswerStreamState readElsewhere() {
        throw illegal("readElsewhere");
    }

    /** The body is going to be read. */
    default AnswerStreamState decodedBy(AnswerDecoder decoder) {
        throw illegal("decodedBy");
    }

    /** More of the body is requested. @param nanos the current time */
    default AnswerStreamState fetching(long nanos) {
        throw illegal("fetching");
    }

    /** Bytes of the body have arrived. */
    default AnswerStreamState bytesArrived() {
        throw illegal("bytesArrived");
    }

    /** The bytes contain a frame. */
    default AnswerStreamState frameArrived() {
        throw illegal("frameArrived");
    }

    /** A timer ends the body if it stays silent. */
    default AnswerStreamState watchedBy(long timer) {
        throw illegal("watchedBy");
    }

    /** The end of the answer is queued, from its body or as the failure of its last attempt. @param completed whether the answer completed */
    default AnswerStreamState endDecoded(boolean completed) {
        throw illegal("endDecoded");
    }

    /** The body has ended, or its connection broke. */
    default AnswerStreamState bodyEnded() {
        throw illegal("bodyEnded");
    }

    /** Nothing more is delivered: the end was delivered, the subscriber cancelled, or a defect was met. */
    default AnswerStreamState closed() {
        return new Over();
    }

    /** The attempt that is under way. */
    default Attempt attempt() {
        throw illegal("attempt");
    }

    /** Since when a frame is awaited: that moment if none was awaited before. */
    default long awaitedSince(long nanos) {
        throw illegal("awaitedSince");
    }

    /** Whether the end of the answer is queued, or no longer needed. */
    default boolean hasEnd() {
        return switch (this) {
            case EndRead _,Lingering _,Over _ -> true;
            case BodyOver(var ended) -> ended;
            case NotBegun _,HeadGiven _,Connecting _,Sent _,Answered _,Waiting _,Opening _,Reading _ -> false;
        };
    }

    /** Names the state without its fields, which belong to Vert.x. */
    private IllegalStateException illegal(String transition) {
        return new IllegalStateException("%s cannot follow %s".formatted(transition, getClass().getSimpleName()));
    }
}
