package io.chatrelay.turn;

/**
 * Where a turn that runs here stands with its upstream's answer:
 *
 * <pre>
 * Reading ── the journal has no room ──▶ Paused ── room ──▶ Reading
 *    ├── a call asks for approval ──▶ StoringApproval ── stored ──▶ Reading, or Paused
 *    ├── the answer ends at an approval ──▶ Parked ── the decision is taken, and the answer continues ──▶ Reading
 *    └── from every state but Over: it ends, or another replica goes on with it ──▶ Over
 * </pre>
 *
 * A method is a transition; in a state that does not have it, it throws an {@link IllegalStateException} that names both.
 */
sealed interface TurnProgress {

    /** The next event has been requested of the upstream. */
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

    /** The journal has no room: nothing is requested. The answer may end all the same, for its end needs no request. */
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
     * A request for approval is on its way into the journal: nothing else is requested before it is there.
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
     * @param left whether another replica goes on with the turn, or ends it
     */
    record Over(boolean left) implements TurnProgress {

        @Override
        public TurnProgress ended() {
            // Its end was refused by the database: it ends again, from what is stored.
            return left ? TurnProgress.super.ended() : this;
        }
    }

    /** What was read is appended. @param hasRoom whether the journal has room for more */
    default TurnProgress stored(boolean hasRoom) {
        throw illegal("stored");
    }

    /** A call asks for approval. */
    default TurnProgress approvalAsked() {
        throw illegal("approvalAsked");
    }

    /** The answer has ended, while a request for approval is being stored. */
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

    /** The turn ends here. */
    default TurnProgress ended() {
        if (this instanceof Over) {
            throw illegal("ended");
        }
        return new Over(false);
    }

    /** Another replica goes on with the turn, or ends it. */
    default TurnProgress handedOver() {
        if (this instanceof Over) {
            throw illegal("handedOver");
        }
        return new Over(true);
    }

    /** Whether the upstream is expected to say something, so that its silence counts. */
    default boolean expectsUpstream() {
        return this instanceof Reading || this instanceof StoringApproval;
    }

    private IllegalStateException illegal(String transition) {
        return new IllegalStateException("%s cannot follow %s".formatted(transition, this));
    }
}
