package io.chatrelay.turn;

/**
 * The state of a turn on this replica in relation to its upstream's answer:
 *
 * <pre>
 * Reading ── the journal has no room ──▶ Paused ── room ──▶ Reading
 *    ├── a call requests approval ──▶ StoringApproval ── stored ──▶ Reading, or Paused
 *    ├── (or Paused:) the answer ends at an approval ──▶ Parked ── the decision is accepted, and the answer continues ──▶ Reading
 *    └── from every state except Over: the turn ends, or another replica continues it ──▶ Over
 * </pre>
 *
 * Each method is a transition. In a state without that transition it throws an {@link IllegalStateException} that names both.
 */
sealed interface TurnProgress {

    /** The next event has been requested from the upstream. */
    record Reading() implements TurnProgress {

        @Override
        public TurnProgress stored(boolean hasRoom) {
            return hasRoom ? this : new Paused();
        }

        @Override
        public TurnProgress approvalAsked() {
            return new StoringApproval(false);
        }

        @Override
        public TurnProgress park() {
            return new Parked();
        }
    }

    /** The journal has no room: no event is requested. The answer may still end, because its end needs no request. */
    record Paused() implements TurnProgress {

        @Override
        public TurnProgress room() {
            return new Reading();
        }

        @Override
        public TurnProgress park() {
            return new Parked();
        }
    }

    /**
     * A request for approval is being stored in the journal: no other event is requested before it is stored.
     *
     * @param complete whether the answer has ended meanwhile
     */
    record StoringApproval(boolean complete) implements TurnProgress {

        @Override
        public TurnProgress stored(boolean hasRoom) {
            return hasRoom ? new Reading() : new Paused();
        }

        @Override
        public TurnProgress answerEnded() {
            return new StoringApproval(true);
        }
    }

    /** The answer has ended at an approval, and continues as the response to the decision. */
    record Parked() implements TurnProgress {

        @Override
        public TurnProgress continued() {
            return new Reading();
        }
    }

    /**
     * Nothing more is read or appended.
     *
     * @param left whether another replica continues or ends the turn
     */
    record Over(boolean left) implements TurnProgress {

        @Override
        public TurnProgress ended() {
            // The database rejected the end: the turn ends again, from its stored events.
            return left ? TurnProgress.super.ended() : this;
        }
    }

    /** The event that was read is appended. @param hasRoom whether the journal has room for more events */
    default TurnProgress stored(boolean hasRoom) {
        throw illegal("stored");
    }

    /** A call requests approval. */
    default TurnProgress approvalAsked() {
        throw illegal("approvalAsked");
    }

    /** The answer has ended while a request for approval is being stored. */
    default TurnProgress answerEnded() {
        throw illegal("answerEnded");
    }

    /** The journal has room again. */
    default TurnProgress room() {
        throw illegal("room");
    }

    /** The answer has ended at an approval. */
    default TurnProgress park() {
        throw illegal("park");
    }

    /** The upstream continues its answer. */
    default TurnProgress continued() {
        throw illegal("continued");
    }

    /** The turn ends on this replica. */
    default TurnProgress ended() {
        if (this instanceof Over) {
            throw illegal("ended");
        }
        return new Over(false);
    }

    /** Another replica continues or ends the turn. */
    default TurnProgress handedOver() {
        if (this instanceof Over) {
            throw illegal("handedOver");
        }
        return new Over(true);
    }

    /** Whether the upstream is expected to send an event, so that the silence time-out applies. */
    default boolean expectsUpstream() {
        return this instanceof Reading || this instanceof StoringApproval;
    }

    private IllegalStateException illegal(String transition) {
        return new IllegalStateException("%s cannot follow %s".formatted(transition, this));
    }
}
