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
 * @param text      what is sent
 * @param reasoning all that the model thinks aloud before it has answered
 * @param answer    the whole text of a completed answer; given the calls' outcomes, in the order in which they were told
 */
record Said(String text, String reasoning, Function<List<Call>, String> answer) {

    /** A call with its outcome. @param id as Inkeep knows it @param reason of a denial, empty without one */
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
                case "boom" -> "Function execution failed with code 1: {\"success\":false,\"error\":\"tool exploded\"}\n";
                default -> "{\"now\":\"2026-01-01T00:00:00Z\",\"tz\":\"UTC\",\"_toolCallId\":\"%s\"}".formatted(id);
            };
        }

        private static String quote(String text) {
            return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        }
    }

    private static final Pattern STAMP = Pattern.compile("@\\d+|(?<=I saw )\\d+");
    private static final String FOX = "\ud83e\udd8a ";
    /** What a decision that lies somewhere decides when it is heard late is upstream's to say, where its id is used again. */
    private static final String[] FAULTS_OF_REUSED = { "", "", " slow 800", " ack-lost", " ack-lost-unheard", " ack-slow 700",
            " refuse 503 1" };
    private static final String[] FAULTS = { "", "", "", " slow 800", " ack-lost", " ack-lost-unheard", " ack-slow 700",
            " unheard-slow 600", " refuse 503 1" };

    /** A text as it is compared: without the moments that are stamped into it, and how many messages Inkeep counted. */
    static String comparable(String text) {
        return STAMP.matcher(text).replaceAll("@");
    }

    /** @param mark that nobody else uses, up to nine digits */
    static Said draw(String upstream, int mark, Random random) {
        return switch (upstream) {
            case Cluster.CLOUD -> switch (random.nextInt(8)) {
                case 0, 1 -> echo(mark, random);
                case 2, 3 -> words(mark, random);
                case 4, 5 -> thinks(mark, random);
                case 6 -> halves(mark, random);
                default -> silence("cloud ", "", mark, random);
            };
            case Cluster.AGENTS -> switch (random.nextInt(16)) {
                case 0, 1, 2 -> words(mark, random);
                case 3 -> echo(mark, random);
                case 4 -> thinks(mark, random);
                case 5 -> halves(mark, random);
                case 6 -> silence("", " user", mark, random);
                case 7 -> uses("use tool get_time", mark);
                case 8, 9 -> uses("use tool delete_file" + faults(random), mark);
                case 10 -> uses("use both approvals" + faults(random), mark);
                case 11 -> uses("use three in turn" + faults(random), mark);
                case 12 -> uses("use two at once one-id", mark);
                case 13, 14 -> uses("use three in turn one-id" + faultsOfReused(random), mark);
                default -> uses("use both twice ids-by-step" + faultsOfReused(random), mark);
            };
            // It repeats no reason, and has an envelope of its own for what a tool said.
            case Cluster.LEGACY -> switch (random.nextInt(6)) {
                case 0 -> words(mark, random);
                case 1 -> echo(mark, random);
                case 2 -> halves(mark, random);
                case 3 -> says("use tool delete_file" + faults(random), mark);
                case 4 -> says("use both approvals" + faults(random), mark);
                default -> says("use three in turn one-id" + faultsOfReused(random), mark);
            };
            default -> switch (random.nextInt(6)) {
                case 0 -> words(mark, random);
                case 1 -> echo(mark, random);
                case 2 -> thinks(mark, random);
                // What a durable run says in the end depends on what it counts as messages.
                case 3, 4 -> says("use tool delete_file", mark);
                default -> says("use three in turn one-id", mark);
            };
        };
    }

    /** Whether calls have ids that other calls of the turn and of the conversation have, too. */
    boolean reusesIds() {
        return text.contains(" one-id") || text.contains(" ids-by-step");
    }

    private static String faultsOfReused(Random random) {
        return FAULTS_OF_REUSED[random.nextInt(FAULTS_OF_REUSED.length)];
    }

    private static String faults(Random random) {
        return FAULTS[random.nextInt(FAULTS.length)];
    }

    static Said words(int mark, Random random) {
        int count = random.nextInt(5) == 0 ? 250 + random.nextInt(250) : 10 + random.nextInt(120);
        int pace = 10 + random.nextInt(30);
        String whole = IntStream.range(0, count).mapToObj(i -> " word" + i + " @").collect(Collectors.joining());
        return new Said("words %d %d %d".formatted(count, pace, mark), "", _ -> whole);
    }

    static Said echo(int mark, Random random) {
        List<String> words = new ArrayList<>(List.of("mark", Integer.toString(mark)));
        Stream.generate(() -> "w" + random.nextInt(100)).limit(random.nextInt(30)).forEach(words::add);
        String text = String.join(" ", words);
        return new Said("echo " + text, "", _ -> text);
    }

    private static Said thinks(int mark, Random random) {
        int count = 6 + random.nextInt(60);
        return new Said("think %d %d %d".formatted(count, 10 + random.nextInt(30), mark), numbered("thought", count),
                _ -> numbered("word", count));
    }

    private static String numbered(String word, int count) {
        return IntStream.range(0, count).mapToObj(i -> word + i).collect(Collectors.joining(" "));
    }

    /** The last half of a character comes without its other half. */
    private static Said halves(int mark, Random random) {
        int count = 3 + random.nextInt(30);
        return new Said("halves %d %d %d".formatted(count, 10 + random.nextInt(30), mark), halved("thought", count),
                _ -> halved("word", count));
    }

    private static String halved(String word, int count) {
        return IntStream.range(0, count).mapToObj(i -> word + i + FOX).collect(Collectors.joining()) + "\ufffd";
    }

    /** Longer than two heartbeats. */
    private static Said silence(String model, String user, int mark, Random random) {
        String text = "silence %d %d".formatted(2 * Cluster.HEARTBEAT.toMillis() + 200 + random.nextInt(1500), mark);
        return new Said(text, "", _ -> "Hello from the fake %smodel. I saw @%s message(s); the last was \"%s\"."
                .formatted(model, user, text));
    }

    private static Said uses(String what, int mark) {
        return new Said(what + " " + mark, "", calls -> ("\n\nTool said: "
                + calls.stream().map(Call::said).collect(Collectors.joining(" | "))).stripTrailing());
    }

    /** What is said in the end is not compared. */
    private static Said says(String what, int mark) {
        return new Said(what + " " + mark, "", _ -> null);
    }
}
