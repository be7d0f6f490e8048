package io.chatrelay.event;

/** What happens to a message that arrives while a turn runs in its conversation. */
public enum OnRunning {
    /** The message is rejected. */
    REFUSE,
    /** The running turn is cancelled first. */
    CANCEL,
    /** The message waits until the turns before it have ended. */
    ENQUEUE
}
