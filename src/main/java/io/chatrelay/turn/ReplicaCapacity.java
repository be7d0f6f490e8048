package io.chatrelay.turn;

/** Whether this replica has room for another turn. The edge knows, which sees its load. */
public interface ReplicaCapacity {

    boolean takesTurns();
}
