package io.chatrelay.limit;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import javax.sql.DataSource;

import io.chatrelay.database.SqlArrays;
import io.chatrelay.database.SqlErrors;

/**
 * The tokens that callers have used today, on all replicas. What this replica counts is added to the table from time to time, and what the others
 * have added is read with it, so the sum of all replicas is late by that time. A process that dies loses what it has not added yet. Days are those
 * of UTC.
 */
final class TokenLedger {

    private static final String ADD = """
            insert into caller_tokens as known (day, tenant, caller, tokens)
            select given.day, given.tenant, given.caller, given.tokens
            from unnest(?::date[], ?::text[], ?::text[], ?::bigint[]) as given(day, tenant, caller, tokens)
            on conflict (day, tenant, caller) do update set tokens = known.tokens + excluded.tokens""";

    private static final String TODAY = "select tenant, caller, tokens from caller_tokens where day = ?";

    /** Older days are kept for whoever wants to look at them. */
    private static final int KEPT_DAYS = 31;
    private static final String FORGET = "delete from caller_tokens where day < ?";

    /** A caller on a day. */
    private record Entry(LocalDate day, String tenant, String caller) {}

    private record Added(Entry entry, long tokens) {}

    /** What is in the table, as it was read last. */
    private record Stored(LocalDate day, Map<Entry, Long> tokens) {}

    private final DataSource database;
    private final Clock clock;
    private final Map<Entry, Long> pending = new ConcurrentHashMap<>();
    private volatile Stored stored = new Stored(LocalDate.MIN, Map.of());

    TokenLedger(DataSource database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    private LocalDate today() {
        return LocalDate.now(clock.withZone(ZoneOffset.UTC));
    }

    /** Time until the next day begins; more than zero. */
    Duration untilTomorrow() {
        return Duration.between(LocalTime.now(clock.withZone(ZoneOffset.UTC)), LocalTime.MAX).plusNanos(1);
    }

    void add(String tenant, String caller, long tokens) {
        pending.merge(new Entry(today(), tenant, caller), tokens, Long::sum);
    }

    /** What the caller has used today, as far as this replica knows. */
    long used(String tenant, String caller) {
        Entry entry = new Entry(today(), tenant, caller);
        // In this order: what is added meanwhile is counted twice for a moment, and never not at all.
        long here = pending.getOrDefault(entry, 0L);
        Stored known = stored;
        return here + (known.day.equals(entry.day) ? known.tokens.getOrDefault(entry, 0L) : 0);
    }

    /**
     * Adds what was counted here to the table, and reads what all replicas have added. If the answer is lost, what was counted is added again
     * later: rather too much than too little.
     */
    synchronized void exchange() throws SQLException {
        LocalDate day = today();
        // In one order on all replicas, so that two do not wait for each other.
        List<Added> added = pending.entrySet().stream().map(each -> new Added(each.getKey(), each.getValue()))
                .sorted(Comparator.comparing((Added each) -> each.entry.day).thenComparing(each -> each.entry.tenant)
                        .thenComparing(each -> each.entry.caller))
                .toList();
        try (Connection connection = database.getConnection()) {
            Stored read = SqlErrors.inTransaction(connection, () -> {
                if (!added.isEmpty()) {
                    add(connection, added);
                }
                return read(connection, day);
            });
            boolean isNewDay = !stored.day.equals(day);
            stored = read;
            added.forEach(each -> pending.computeIfPresent(each.entry,
                    (_, tokens) -> tokens == each.tokens ? null : Long.valueOf(tokens - each.tokens)));
            if (isNewDay) {
                forget(connection, day.minusDays(KEPT_DAYS));
            }
        }
    }

    private static void add(Connection connection, List<Added> added) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(ADD)) {
            new SqlArrays<>(connection, insert, added, 1).add("date", each -> each.entry.day.toString())
                    .add("text", each -> each.entry.tenant).add("text", each -> each.entry.caller)
                    .add("bigint", each -> each.tokens);
            insert.executeUpdate();
        }
    }

    private static Stored read(Connection connection, LocalDate day) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(TODAY)) {
            select.setObject(1, day);
            Map<Entry, Long> tokens = new HashMap<>();
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    tokens.put(new Entry(day, rows.getString(1), rows.getString(2)), rows.getLong(3));
                }
            }
            return new Stored(day, tokens);
        }
    }

    private static void forget(Connection connection, LocalDate before) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement(FORGET)) {
            delete.setObject(1, before);
            delete.executeUpdate();
        }
    }
}
