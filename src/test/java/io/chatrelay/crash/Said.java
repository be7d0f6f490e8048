package io.chatrelay.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A message, and what the emulator's script answers to it. Each is said once: it ends with a mark of its own.
 *
 * @param text   what is sent
 * @param answer the whole text of a completed answer; given the calls' outcomes, in the order in which they were told
 */
record Said(String text, Function<List<Call>, String> answer) {

    /** A call with its outcome. @param reason of a denial, empty without one */
    record Call(String id, String tool, boolean executed, String reason) {

        /** What the model repeats of it. Source: the emulator's {@code Tool} and {@code AgentsDialect}. */
        private String said() {
            if (!executed) {
                return quote("The user declined to run this tool." + (reason.isEmpty() ? "" : " Reason: " + reason));
            }
            return switch (tool) {
                case "get_weather" -> "[{\"type\":\"text\",\"text\":%s},{\"type\":\"text\",\"text\":%s}]".formatted(
                        quote("{\"_toolCallId\":\"%s\"}".formatted(id)),
                        quote("{\"city\":\"Paris\",\"tempC\":21,\"sky\":\"clear\"}"));
                case "delete_file" ->
                        "{\"deleted\":\"docs/report.txt\",\"ok\":true,\"_toolCallId\":\"%s\"}".formatted(id);
                default -> "{\"now\":\"2026-01-01T00:00:00Z\",\"tz\":\"UTC\",\"_toolCallId\":\"%s\"}".formatted(id);
            };
        }

        private static String quote(String text) {
            return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        }
    }

    private static final Pattern STAMP = Pattern.compile("@\\d+");
    private static final String[] FAULTS = { "", "", "", " slow 800", " ack-lost", " ack-lost-unheard", " ack-slow 700",
            " unheard-slow 600", " refuse 503 1" };

    /** A text as it is compared: without the moments that are stamped into it. */
    static String comparable(String text) {
        return STAMP.matcher(text).replaceAll("@");
    }

    /** @param mark that nobody else uses, up to nine digits */
    static Said draw(String upstream, int mark, Random random) {
        return switch (upstream) {
            case Cluster.CLOUD -> random.nextInt(4) == 0 ? echo(mark, random) : words(mark, random);
            case Cluster.AGENTS -> switch (random.nextInt(10)) {
                case 0, 1, 2 -> words(mark, random);
                case 3, 4 -> echo(mark, random);
                case 5 -> uses("use tool get_time", mark);
                case 6, 7 -> uses("use tool delete_file" + faults(random), mark);
                case 8 -> uses("use both approvals" + faults(random), mark);
                default -> uses("use three in turn" + faults(random), mark);
            };
            // It repeats no reason, and has an envelope of its own for what a tool said.
            case Cluster.LEGACY -> switch (random.nextInt(4)) {
                case 0 -> words(mark, random);
                case 1 -> echo(mark, random);
                case 2 -> new Said("use tool delete_file%s %d".formatted(faults(random), mark), _ -> null);
                default -> new Said("use both approvals%s %d".formatted(faults(random), mark), _ -> null);
            };
            default -> switch (random.nextInt(3)) {
                case 0 -> words(mark, random);
                case 1 -> echo(mark, random);
                // What a durable run says in the end depends on what it counts as messages.
                default -> new Said("use tool delete_file %d".formatted(mark), _ -> null);
            };
        };
    }

    private static String faults(Random random) {
        return FAULTS[random.nextInt(FAULTS.length)];
    }

    static Said words(int mark, Random random) {
        int count = random.nextInt(5) == 0 ? 250 + random.nextInt(250) : 10 + random.nextInt(120);
        int pace = 10 + random.nextInt(30);
        String whole = IntStream.range(0, count).mapToObj(i -> " word" + i + " @").collect(Collectors.joining());
        return new Said("words %d %d %d".formatted(count, pace, mark), _ -> whole);
    }

    static Said echo(int mark, Random random) {
        List<String> words = new ArrayList<>(List.of("mark", Integer.toString(mark)));
        Stream.generate(() -> "w" + random.nextInt(100)).limit(random.nextInt(30)).forEach(words::add);
        String text = String.join(" ", words);
        return new Said("echo " + text, _ -> text);
    }

    private static Said uses(String what, int mark) {
        return new Said(what + " " + mark,
                calls -> "\n\nTool said: " + calls.stream().map(Call::said).collect(Collectors.joining(" | ")));
    }
}
