package io.chatrelay.crash;

/** What is done to the service in a round. A replica is 0 or 1. */
sealed interface Fault {

    /** {@code kill -9}, then another process. */
    record Kill(int replica) implements Fault {}

    /** {@code kill -9} of both at the same moment. */
    record KillBoth() implements Fault {}

    /** SIGTERM, then another process. */
    record Stop(int replica) implements Fault {}

    /** SIGSTOP for longer than a lease, then SIGCONT. */
    record Pause(int replica, int millis) implements Fault {}

    /** SIGSTOP for less than a lease: nobody takes anything over. */
    record Hiccup(int replica, int millis) implements Fault {}

    /** Its lease is marked as ended while it lives, as if its renewals had been held up. */
    record TakeLease(int replica) implements Fault {}

    /**
     * {@code kill -9} while its commits wait: the journal's table is locked for so long before, and what the dead process had sent and not
     * committed is rolled back, as when a connection breaks with its process.
     */
    record KillWhileCommitting(int replica, int millis) implements Fault {}

    /** {@code kill -9} of PostgreSQL, and a start. */
    record KillDatabase() implements Fault {}

    /** PostgreSQL is stopped, and started after so long. */
    record StopDatabase(int millis) implements Fault {}

    /** SIGSTOP to all of PostgreSQL, then SIGCONT: connections stay open, and nothing answers. */
    record FreezeDatabase(int millis) implements Fault {}

    default String kind() {
        return getClass().getSimpleName();
    }
}
