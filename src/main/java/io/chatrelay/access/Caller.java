package io.chatrelay.access;

/**
 * Who is calling.
 *
 * @param name   as configured; idempotency keys belong to it
 * @param tenant whose data it sees
 * @param leavingStops    whether its turns are stopped when it disconnects, where its request does not say
 * @param replacesRunning whether its message stops the turn that runs, where its request does not say
 */
public record Caller(String name, String tenant, boolean leavingStops, boolean replacesRunning) {}
