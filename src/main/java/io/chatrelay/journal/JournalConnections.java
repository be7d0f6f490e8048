package io.chatrelay.journal;

import javax.sql.DataSource;

/**
 * Where a journal's connections come from.
 *
 * @param pool  that callers use, too
 * @param own   opens connections for the journal alone, each within {@link Journal#patience}: the lease must not wait for callers
 * @param flush closes what is idle in the pool, where one of the journal's own connections broke: those of the pool are likely to be broken,
 *              too, and a caller would try one after the other
 */
public record JournalConnections(DataSource pool, DataSource own, Runnable flush) {}
