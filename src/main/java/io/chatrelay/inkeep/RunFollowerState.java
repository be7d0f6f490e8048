package io.chatrelay.inkeep;

import java.util.concurrent.Flow;

import io.chatrelay.event.ChatEvent;

/**
 * The state of a run that is read again:
 *
 * <pre>
 * NotBegun ─▶ Opening ── an event stream ──▶ Comparing ── all known events repeated ──▶ Following
 *               ▲ └──────────────┬───────────────┴──────────────────────────────────────────┘
 *               │                ├── this read is given up ──▶ Paused ─┐
 *               └────────────────┼─────────────────────────────────────┘
 *                                └── lost, or the end of the answer ──▶ Ending
 * over: every state ──▶ Over
 * </pre>
 *
 * Each method is a transition. In a state without that transition it throws an {@link IllegalStateException} that names both. A state holds
 * what exists in this state only: the request, the read, its decoder, its comparison.
 */
sealed interface RunFollowerState {

    /**
     * One read of the run.
     *
     * @param events      requests its events, and stops it
     * @param comparison  with the known events
     * @param openedNanos when it was requested
     */
    record Read(Flow.Subscription events, AgentsDecoder decoder, RereadComparison comparison, long openedNanos) {}

    /** Nothing was requested yet, so nothing is sent. */
    record NotBegun() implements RunFollowerState {

        @Override
        public RunFollowerState opens(PendingRequest request, long nanos) {
            return new Opening(request, nanos);
        }
    }

    /** A read is requested, and its head has not arrived. */
    record Opening(PendingRequest request, long openedNanos) implements RunFollowerState {

        @Override
        public RunFollowerState streams(Flow.Subscription events, AgentsDecoder decoder, RereadComparison comparison) {
            return new Comparing(new Read(events, decoder, comparison, openedNanos), false);
        }

        @Override
        public RunFollowerState pauses() {
            return new Paused();
        }

        @Override
        public RunFollowerState ends(ChatEvent last) {
            return new Ending(last, null);
        }
    }

    /** The read has not repeated all known events. @param asked whether its next event is requested */
    record Comparing(Read read, boolean asked) implements RunFollowerState {

        @Override
        public long openedNanos() {
            return read.openedNanos();
        }

        @Override
        public RunFollowerState asks() {
            return asked ? RunFollowerState.super.asks() : new Comparing(read, true);
        }

        @Override
        public RunFollowerState arrived() {
            return new Comparing(read, false);
        }

        @Override
        public RunFollowerState caughtUp() {
            return new Following(read, asked, false);
        }

        @Override
        public RunFollowerState pauses() {
            return new Paused();
        }

        @Override
        public RunFollowerState ends(ChatEvent last) {
            return new Ending(last, read.events());
        }
    }

    /**
     * The read has repeated all known events: what it brings now is new.
     *
     * @param asked    whether its next event is requested
     * @param gaveMore whether it has brought a new event
     */
    record Following(Read read, boolean asked, boolean gaveMore) implements RunFollowerState {

        @Override
        public long openedNanos() {
            return read.openedNanos();
        }

        @Override
        public RunFollowerState asks() {
            return asked ? RunFollowerState.super.asks() : new Following(read, true, gaveMore);
        }

        @Override
        public RunFollowerState arrived() {
            return new Following(read, false, gaveMore);
        }

        @Override
        public RunFollowerState givesMore() {
            return new Following(read, asked, true);
        }

        @Override
        public RunFollowerState pauses() {
            return new Paused();
        }

        @Override
        public RunFollowerState ends(ChatEvent last) {
            return new Ending(last, read.events());
        }
    }

    /** The pause before the next read. */
    record Paused() implements RunFollowerState {

        @Override
        public RunFollowerState opens(PendingRequest request, long nanos) {
            return new Opening(request, nanos);
        }
    }

    /** The end of the answer waits until it is requested. @param events of the last read, which may still be open; null if there is none */
    record Ending(ChatEvent last, Flow.Subscription events) implements RunFollowerState {}

    /** Nothing more is read or delivered. */
    record Over() implements RunFollowerState {}

    /** A read is requested. @param nanos the current time */
    default RunFollowerState opens(PendingRequest request, long nanos) {
        throw illegal("opens");
    }

    /** The answer to that request is an event stream. */
    default RunFollowerState streams(Flow.Subscription events, AgentsDecoder decoder, RereadComparison comparison) {
        throw illegal("streams");
    }

    /** The next event of the read is requested. */
    default RunFollowerState asks() {
        throw illegal("asks");
    }

    /** That event has arrived. */
    default RunFollowerState arrived() {
        throw illegal("arrived");
    }

    /** All known events have arrived again. */
    default RunFollowerState caughtUp() {
        throw illegal("caughtUp");
    }

    /** The event is new, and is delivered. */
    default RunFollowerState givesMore() {
        throw illegal("givesMore");
    }

    /** This read is given up, and another one follows. */
    default RunFollowerState pauses() {
        throw illegal("pauses");
    }

    /** The answer ends, by its own end or because its run is lost. */
    default RunFollowerState ends(ChatEvent last) {
        throw illegal("ends");
    }

    /** Nothing more is delivered: the end was delivered, the subscriber cancelled, or a defect was met. */
    default RunFollowerState over() {
        return new Over();
    }

    /** When the read was requested. */
    default long openedNanos() {
        throw illegal("openedNanos");
    }

    /** Names the state without its fields, which belong to Vert.x. */
    private IllegalStateException illegal(String transition) {
        return new IllegalStateException("%s cannot follow %s".formatted(transition, getClass().getSimpleName()));
    }
}
