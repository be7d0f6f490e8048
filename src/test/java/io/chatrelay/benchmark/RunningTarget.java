package io.chatrelay.benchmark;

import java.net.URI;
import java.util.function.LongSupplier;

/**
 * A target whose processes run.
 *
 * @param cpu         microseconds of CPU that they have used
 * @param databaseCpu the same of PostgreSQL; 0 without one
 * @param commits     transactions that its database has committed; 0 without one
 */
record RunningTarget(Target target, URI chat, LongSupplier cpu, LongSupplier databaseCpu, LongSupplier commits) {

    static final String PATH = "/run/api/chat";

    RunningTarget(Target target, URI chat, LongSupplier cpu) {
        this(target, chat, cpu, () -> 0, () -> 0);
    }
}
