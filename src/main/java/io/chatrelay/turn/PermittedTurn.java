package io.chatrelay.turn;

import java.time.Duration;
import java.util.function.LongSupplier;

import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Turn;
import io.chatrelay.upstream.Breaker;

/** Tells the upstream's breaker what became of one new turn: its first event, its failure before that, or nothing about the upstream. */
final class PermittedTurn implements TurnListener {

    private final Breaker.Permission permission;
    private final LongSupplier nanoTime;
    private final long begunNanos;

    /** @param nanoTime the upstream is asked now: the time that the turn took to be stored is not the upstream's */
    PermittedTurn(Breaker.Permission permission, LongSupplier nanoTime) {
        this.permission = permission;
        this.nanoTime = nanoTime;
        this.begunNanos = nanoTime.getAsLong();
    }

    private Duration elapsed() {
        return Duration.ofNanos(nanoTime.getAsLong() - begunNanos);
    }

    @Override
    public void answers(Turn turn) {
        permission.answered(elapsed());
    }

    @Override
    public void ends(Turn turn, Ended ended) {
        switch (ended.outcome()) {
            case COMPLETED -> permission.answered(elapsed());
            case FAILED -> {
                Failure failure = ended.failure();
                permission.failed(failure == null ? Failure.Code.UNKNOWN : failure.code(), elapsed());
            }
            case CANCELLED, INTERRUPTED -> permission.release();
        }
    }

    @Override
    public void over(AwaitingTurn turn) {
        permission.release();
    }
}
