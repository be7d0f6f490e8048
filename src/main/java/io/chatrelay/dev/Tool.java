package io.chatrelay.dev;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The recorded agent's tools: what they are called with, in which pieces the arguments came, and what they give. */
enum Tool {

    /** Its result was recorded as empty at the legacy server. */
    GET_TIME(false, List.of("{\"timezone\":\"UTC", "\"}"), "\"\"",
            "{\"now\":\"2026-01-01T00:00:00Z\",\"tz\":\"UTC\",\"_toolCallId\":\"%s\"}"),

    DELETE_FILE(true, List.of("{\"path\":\"docs/re", "port.txt\"}"),
            "{\"content\":[{\"type\":\"text\",\"text\":{\"deleted\":\"docs/report.txt\",\"ok\":true}}]}",
            "{\"deleted\":\"docs/report.txt\",\"ok\":true,\"_toolCallId\":\"%s\"}"),

    /** An MCP tool: its result reaches the stream and the model in two different forms. */
    GET_WEATHER(true, List.of("{\"city\":\"Paris\"}"),
            "{\"content\":[{\"type\":\"text\",\"text\":{\"city\":\"Paris\",\"tempC\":21,\"sky\":\"clear\"}}]}",
            "{\"content\":[{\"type\":\"text\",\"text\":{\"city\":\"Paris\",\"tempC\":21,\"sky\":\"clear\"}}],"
                    + "\"_toolCallId\":\"%s\"}") {
        @Override
        String said(String callId) {
            String id = Wire.quote("{\"_toolCallId\":\"" + callId + "\"}");
            String weather = Wire.quote("{\"city\":\"Paris\",\"tempC\":21,\"sky\":\"clear\"}");
            return "[{\"type\":\"text\",\"text\":" + id + "},{\"type\":\"text\",\"text\":" + weather + "}]";
        }
    },

    /** A tool that throws. */
    BOOM(false, List.of("{\"path\":\"docs/re", "port.txt\"}"), "", ""),

    /** A tool that waits for approval and then throws. */
    BOOM_APPROVED(true, List.of("{\"path\":\"docs/re", "port.txt\"}"), "", "");

    private static final String EXPLODED = "Function execution failed with code 1: {\"success\":false,\"error\":\"tool exploded\"}\n";

    final boolean needsApproval;
    final List<String> inputPieces;
    final String legacyResult;
    private final String output;

    Tool(boolean needsApproval, List<String> inputPieces, String legacyResult, String output) {
        this.needsApproval = needsApproval;
        this.inputPieces = inputPieces;
        this.legacyResult = legacyResult;
        this.output = output;
    }

    static Optional<Tool> named(String name) {
        return Arrays.stream(values()).filter(tool -> tool.wireName().equals(name)).findFirst();
    }

    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    String input() {
        return String.join("", inputPieces);
    }

    boolean fails() {
        return output.isEmpty();
    }

    /** The result as the stream shows it, JSON; of a tool that fails there is none. */
    String output(String callId) {
        return output.formatted(callId);
    }

    /** The result as the model repeats it. */
    String said(String callId) {
        return fails() ? EXPLODED : output(callId);
    }
}
