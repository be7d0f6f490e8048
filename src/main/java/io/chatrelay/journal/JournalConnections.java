package io.chatrelay.journal;

import javax.sql.DataSource;

/**
 * The sources of the journal's connections.
 *
 * @param pool  the pool that callers also use
 * @param own   opens connections for the journal alone, each within {@link Journal#patience}: the lease must not wait for callers
 * @param flush closes the idle connections of the pool after one of the journal's own connections broke: those of the pool are probably broken
 *         too, and a caller would try one after the other
 */
public record JournalConnections(DataSource pool, DataSource own, Runnable flush) {}
