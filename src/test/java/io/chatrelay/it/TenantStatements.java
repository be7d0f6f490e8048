package io.chatrelay.it;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import io.chatrelay.support.it.Postgres;

/**
 * Which tables belong to a tenant, and which statements may look at one without naming the tenant: those of a list that has a reason for each. It
 * knows a statement by its text, so a second place that executes a listed text is not noticed.
 */
final class TenantStatements {

    /** The reviewed list: lines that begin with {@code #} are the reason of the statements after them, a {@code ?} is one that not each run executes. */
    static final String LIST = "statements-without-tenant.txt";

    /** Tables with a tenant, and those that refer to one: by a foreign key, or by a column that is named after it. */
    private static final String OF_TENANTS = """
            with recursive tables as (
                select c.oid, c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = current_schema() and c.relkind in ('r', 'p')
            ), of_tenant as (
                select t.oid, t.name from tables t join pg_attribute a on a.attrelid = t.oid
                where a.attname = 'tenant' and not a.attisdropped
                union
                select t.oid, t.name from of_tenant o join tables t
                    on exists (select 1 from pg_constraint f where f.contype = 'f' and f.conrelid = t.oid and f.confrelid = o.oid)
                    or exists (select 1 from pg_attribute a where a.attrelid = t.oid and a.attname = o.name || '_id'
                               and not a.attisdropped)
            )
            select coalesce(string_agg(name, ','), '') from tables where %s (select name from of_tenant)""";

    /** A row is compared with a tenant, or inserted with one. That a tenant is selected restricts nothing. */
    private static final Pattern NAMES_TENANT = Pattern
            .compile("\\btenant\\s*=|=\\s*(?:\\w+\\.)?tenant\\b|\\binsert into \\w+(?: as \\w+)? ?\\([^)]*\\btenant\\b");
    /** What PostgreSQL asks itself to keep a foreign key. */
    private static final Pattern OF_A_KEY = Pattern.compile("(?i)\\bfrom only \"");
    private static final Pattern COLUMNS = Pattern.compile("^select (?:\\w+_\\d\\.\\w+, ?)+\\w+_\\d\\.\\w+ from ");
    private static final Pattern UPDATED = Pattern.compile("^(update \\w+) set .* where id=\\?$");
    private static final Pattern INSERTED = Pattern.compile("^(insert into \\w+) \\([^)]*\\) values \\(.*\\)$");

    private TenantStatements() {}

    static Set<String> tablesOfTenants(Postgres database) {
        return tables(database, "name in");
    }

    static Set<String> otherTables(Postgres database) {
        return tables(database, "name not in");
    }

    private static Set<String> tables(Postgres database, String which) {
        return new TreeSet<>(List.of(database.text(OF_TENANTS.formatted(which)).split(",")));
    }

    /** A statement as it is listed: without what changes with a column or with the number of its parameters. */
    static String listed(String sql) {
        String listed = COLUMNS.matcher(sql.replaceAll("\\$\\d+", "?")).replaceFirst("select … from ");
        listed = UPDATED.matcher(listed.replaceAll("\\((?:\\?, ?)+\\?\\)", "(?)")).replaceFirst("$1 set … where id=?");
        return INSERTED.matcher(listed).replaceFirst("$1 …");
    }

    /** The statements that look at a tenant's table and name no tenant, as they are listed, each with these tables. */
    static Map<String, Set<String>> withoutTenant(List<Plans.Statement> statements, Set<String> ofTenants) {
        Map<String, Set<String>> without = new LinkedHashMap<>();
        for (Plans.Statement statement : statements) {
            Set<String> tables = statement.tables().stream().filter(ofTenants::contains)
                    .collect(Collectors.toCollection(TreeSet::new));
            if (!tables.isEmpty() && !NAMES_TENANT.matcher(statement.sql()).find()
                    && !OF_A_KEY.matcher(statement.sql()).find()) {
                without.put(listed(statement.sql()), tables);
            }
        }
        return without;
    }

    /** The list: each statement with whether each run executes it. */
    static Map<String, Boolean> reviewed() {
        try (InputStream list = TenantStatements.class.getResourceAsStream(LIST)) {
            return new String(list.readAllBytes(), StandardCharsets.UTF_8).lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .collect(Collectors.toMap(line -> line.startsWith("? ") ? line.substring(2) : line,
                            line -> !line.startsWith("? "), (one, _) -> one, LinkedHashMap::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What to do about a statement that is not listed. */
    static String advice(Map<String, Set<String>> unlisted) {
        return unlisted.entrySet().stream()
                .map(statement -> """

                        This statement looks at %s, which belong to tenants, and names no tenant:
                            %s
                        Compare the tenant in it (Scope has it). If its ids are of a look-up that has compared it, or it is work for all tenants, add this line
                        to src/test/resources/io/chatrelay/it/%s under a reason, for review."""
                        .formatted(String.join(", ", statement.getValue()), statement.getKey(), LIST))
                .collect(Collectors.joining("\n"));
    }
}
