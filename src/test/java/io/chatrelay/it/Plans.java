package io.chatrelay.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
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
     * @param most the scan that read most
     */
    public record Statement(String sql, int executions, Scan most) {

        private Statement with(Scan scan) {
            return new Statement(sql, executions + 1, most == null || scan != null && scan.rows() > most.rows() ? scan : most);
        }
    }

    private Plans() {}

    /** All statements of the service that the log tells of, by their text. */
    public static List<Statement> of(OwnPostgres database) {
        String mark = "that was all " + System.nanoTime();
        database.text("select '%s'".formatted(mark));
        Awaitility.await("the end of the log").atMost(Duration.ofSeconds(30)).until(() -> read(database.log()).contains(mark));
        Map<String, Statement> statements = new TreeMap<>();
        plans(database.log(), plan -> {
            String sql = plan.path("Query Text").asText().replaceAll("\\s+", " ");
            statements.merge(sql, new Statement(sql, 1, most(plan.path("Plan"))),
                    (known, more) -> known.with(more.most()));
        });
        return List.copyOf(statements.values());
    }

    private static void plans(Path log, Consumer<JsonNode> each) {
        try (BufferedReader lines = Files.newBufferedReader(log)) {
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

    private static String read(Path log) {
        try {
            return Files.exists(log) ? Files.readString(log) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
