package io.chatrelay.access;

/**
 * Who is calling.
 *
 * @param name   as configured; idempotency keys belong to it
 * @param tenant whose data it sees
 */
public record Caller(String name, String tenant) {}
