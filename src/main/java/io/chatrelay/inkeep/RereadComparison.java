package io.chatrelay.inkeep;

import io.chatrelay.event.ChatEvent;

/**
 * Compares the events of one read of a run with those that are known of it. They have arrived again if all received events match, or all except
 * operations: operations that only this service requested, before it knew the server, were not delivered then either.
 */
final class RereadComparison {

    /** What the events of the read are, so far. */
    enum Result {
        /** They may be the first known ones: more have to arrive. */
        SHORTER,
        /** They are the known ones. */
        CAUGHT_UP,
        /** They are the known ones, and operations that were not delivered. */
        CAUGHT_UP_WITHOUT_OPERATIONS,
        /** They are not the known ones. */
        DIFFERS
    }

    private final EventHashChain known;
    private final EventHashChain read = new EventHashChain();
    /** From the first operation on; null until then. */
    private EventHashChain readWithoutOperations;

    RereadComparison(EventHashChain known) {
        this.known = known;
    }

    /** Takes the next event of the read. */
    Result add(ChatEvent event) {
        boolean operation = AgentsDecoder.isAskedForOperation(event);
        if (operation && readWithoutOperations == null) {
            readWithoutOperations = read.copy();
        }
        read.add(event);
        if (readWithoutOperations != null && !operation) {
            readWithoutOperations.add(event);
        }
        EventHashChain shorter = readWithoutOperations == null ? read : readWithoutOperations;
        if (read.isSame(known)) {
            return Result.CAUGHT_UP;
        }
        if (shorter.isSame(known)) {
            return Result.CAUGHT_UP_WITHOUT_OPERATIONS;
        }
        return shorter.length() >= known.length() ? Result.DIFFERS : Result.SHORTER;
    }

    boolean isEmpty() {
        return read.isEmpty();
    }

    /** How many events the read has brought. */
    long length() {
        return read.length();
    }
}
