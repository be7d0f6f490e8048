package io.chatrelay.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

import org.awaitility.Awaitility;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.it.OwnPostgres;

/**
 * How the database executed the service's statements, as {@linkplain OwnPostgres#explaining its log} tells it: every statement that was really
 * executed, with its real parameters. So a new one needs no entry anywhere to be looked at.
 */
public final class Plans {

    /** Before each line of the log: who asked. */
    public static final String PREFIX = "%a:";

    /** Rows of one table that one statement may read: a page, or a batch. A statement that reads more of them reads the whole table some day. */
    public static final long FEW = 250;

    private static final String SERVICE = "chat-relay:LOG:  duration: ";
    /** Bytes of the log in which its last lines are, when its size is looked at a moment late. */
    private static final int MARKED = 1 << 20;
    private static final Set<String> TABLES = Set.of("conversation", "message", "replica", "stream_token", "tool_approval",
            "turn",
            "turn_event");

    /**
     * A scan of a table.
     *
     * @param rows that it read, those included that it left out
     */
    public record Scan(String kind, String table, long rows) {}

    /**
     * What became of one statement in all of its executions.
     *
     * @param tables that it read or changed
     * @param most   the scan that read most
     */
    public record Statement(String sql, Set<String> tables, int executions, Scan most) {

        private Statement with(Statement again) {
            Set<String> all = new TreeSet<>(tables);
            all.addAll(again.tables);
            Scan scan = again.most;
            return new Statement(sql, all, executions + again.executions,
                    most == null || scan != null && scan.rows() > most.rows() ? scan : most);
        }
    }

    private Plans() {}

    /** All statements of the service that the log tells of, by their text. */
    public static List<Statement> of(OwnPostgres database) {
        return of(database, 0);
    }

    /** The same of what the log tells after a {@linkplain #end place}. */
    public static List<Statement> of(OwnPostgres database, long after) {
        end(database);
        Map<String, Statement> statements = new TreeMap<>();
        plans(database.log(), after, plan -> {
            String sql = plan.path("Query Text").asText().strip().replaceAll("\\s+", " ");
            statements.merge(sql, new Statement(sql, tables(plan.path("Plan")), 1, most(plan.path("Plan"))), Statement::with);
        });
        return List.copyOf(statements.values());
    }

    /** The place in the log after all that it has told so far, in bytes. */
    public static long end(OwnPostgres database) {
        String mark = "that was all " + System.nanoTime();
        database.text("select '%s'".formatted(mark));
        long from = size(database.log());
        Awaitility.await("the end of the log").atMost(Duration.ofSeconds(30)).pollDelay(Duration.ZERO)
                .until(() -> read(database.log(), Math.max(0, from - MARKED)).contains(mark));
        return size(database.log());
    }

    private static void plans(Path log, long after, Consumer<JsonNode> each) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(from(log, after), StandardCharsets.UTF_8))) {
            StringBuilder plan = null;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (plan != null && line.startsWith("\t")) {
                    plan.append(line).append('\n');
                    continue;
                }
                if (plan != null) {
                    each.accept(Json.read(plan.toString()));
                }
                plan = line.startsWith(SERVICE) && line.endsWith("plan:") ? new StringBuilder() : null;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Scan most(JsonNode plan) {
        List<Scan> scans = new ArrayList<>();
        collect(plan, scans);
        return scans.stream().max((a, b) -> Long.compare(a.rows(), b.rows())).orElse(null);
    }

    private static void collect(JsonNode node, List<Scan> into) {
        String table = node.path("Relation Name").asText();
        if (TABLES.contains(table) && node.path("Node Type").asText().endsWith("Scan")) {
            double rows = node.path("Actual Rows").asDouble() + node.path("Rows Removed by Filter").asDouble()
                    + node.path("Rows Removed by Index Recheck").asDouble();
            into.add(new Scan(node.path("Node Type").asText(), table, Math.round(rows * node.path("Actual Loops").asDouble())));
        }
        node.path("Plans").forEach(child -> collect(child, into));
    }

    private static Set<String> tables(JsonNode plan) {
        return new TreeSet<>(plan.findValuesAsText("Relation Name"));
    }

    private static InputStream from(Path log, long position) throws IOException {
        return Channels.newInputStream(FileChannel.open(log).position(position));
    }

    private static long size(Path log) {
        try {
            return Files.exists(log) ? Files.size(log) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path log, long position) {
        if (!Files.exists(log)) {
            return "";
        }
        try (InputStream rest = from(log, position)) {
            return new String(rest.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
