/**
 * Tests of the packaged service: a process of its own, that is killed, starved and flooded, on a PostgreSQL that keeps its
 * promises (fsync on). They need {@code ./mvnw package} to have run, which {@code ./mvnw verify} does before them.
 */
package io.chatrelay.it;
