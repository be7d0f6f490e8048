package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * A database change that must become visible together with an event: it is part of the transaction that stores the event.
 *
 * <p>It may run more than once, because a commit whose answer was lost is retried: its SQL is idempotent by its {@code WHERE}. It neither
 * commits nor rolls back.
 */
@FunctionalInterface
public interface TransactionalEffect {

    void apply(Connection connection) throws SQLException;
}
