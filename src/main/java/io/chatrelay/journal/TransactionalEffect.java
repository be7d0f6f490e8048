package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * What must become true together with an event: it rides in the transaction that stores it.
 *
 * <p>It may run more than once, because a commit whose answer was lost is tried again: its SQL is idempotent by its
 * {@code WHERE}. It neither commits nor rolls back.
 */
@FunctionalInterface
public interface TransactionalEffect {

    void apply(Connection connection) throws SQLException;
}
