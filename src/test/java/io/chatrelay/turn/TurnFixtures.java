package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import javax.sql.DataSource;

import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;
import io.chatrelay.journal.TurnOwnership;
import io.chatrelay.support.Events;

/** What tests of the rooms below need of turns. */
public final class TurnFixtures {

    private TurnFixtures() {}

    public static TurnOwnership table() {
        return new TurnStore();
    }

    /** The end of a turn that completed. */
    public static TransactionalEffect completed(Turn turn) {
        return new TurnEnd(turn, Events.COMPLETED, true, null);
    }

    /** What a query finds, row by row. */
    static List<List<Object>> rows(DataSource database, String sql, Object... parameters) throws SQLException {
        List<List<Object>> rows = new ArrayList<>();
        try (Connection connection = database.getConnection(); PreparedStatement select = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                select.setObject(i + 1, parameters[i]);
            }
            try (ResultSet found = select.executeQuery()) {
                while (found.next()) {
                    List<Object> row = new ArrayList<>();
                    for (int i = 1; i <= found.getMetaData().getColumnCount(); i++) {
                        row.add(found.getObject(i));
                    }
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    public static void updateWaiting(Connection connection, UUID turn) throws SQLException {
        TurnStore.updateWaiting(connection, turn);
    }
}
