package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A database change that must become visible together with an event: it is part of the transaction that stores the event.
 *
 * <p>It may run more than once, because a commit whose answer was lost is retried: its SQL is idempotent by its {@code WHERE}. It neither
 * commits nor rolls back.
 */
@FunctionalInterface
public interface TransactionalEffect {

    void apply(Connection connection) throws SQLException;

    /** Applies effects of one kind, of many turns, in a few statements. */
    interface Together {

        /** As {@link TransactionalEffect#apply} of each of them. */
        void apply(Connection connection, List<TransactionalEffect> effects) throws SQLException;

        /** Whether these are the last effects of their turns: they are applied after all others of the transaction. */
        default boolean endsTurns() {
            return false;
        }
    }

    /**
     * How this effect is applied with others of its kind; null for an effect by itself. Kinds are applied after the effects by themselves, and before
     * the kind that ends turns: of one turn, only the order against its end is kept.
     */
    default @Nullable Together together() {
        return null;
    }
}
