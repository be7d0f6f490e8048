package io.chatrelay.database;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;

/** The array parameters of a statement for many rows: one array for each column, in the order of its parameters. */
public final class SqlArrays<T> {

    private final Connection connection;
    private final PreparedStatement statement;
    private final List<T> rows;
    private int next;

    /** @param first the index of the first array's parameter */
    public SqlArrays(Connection connection, PreparedStatement statement, List<T> rows, int first) {
        this.connection = connection;
        this.statement = statement;
        this.rows = rows;
        this.next = first;
    }

    /** @param type PostgreSQL's name of the column's type */
    public SqlArrays<T> add(String type, Function<T, Object> value) throws SQLException {
        // The driver knows arrays of bytes by their type.
        Object[] values = type.equals("bytea") ? new byte[rows.size()][] : new Object[rows.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value.apply(rows.get(i));
        }
        statement.setArray(next++, connection.createArrayOf(type, values));
        return this;
    }

    /** The index of the next parameter. */
    public int next() {
        return next;
    }
}
