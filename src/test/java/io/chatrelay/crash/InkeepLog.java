package io.chatrelay.crash;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;

/** What Inkeep was told of decisions, copied from the emulator's log before that forgets it. */
final class InkeepLog implements AutoCloseable {

    /** @param at microseconds since the epoch, when its head came */
    record Told(long at, boolean approved, String reason) {}

    private static final Duration EVERY = Duration.ofSeconds(1);
    private static final int LIMIT = 400;
    private static final Pattern EXECUTION = Pattern.compile("/run/api/executions/[^/]+/approvals/([^/]+)");
    private static final String LEGACY = "/legacy/api/tool-approvals";

    private final URI emulator;
    private final History history;
    private final Map<String, List<Told>> told = new ConcurrentHashMap<>();
    private final Thread copying = Thread.ofVirtual().unstarted(this::copyAlways);
    private Set<String> known = new HashSet<>();
    private volatile boolean closed;

    InkeepLog(URI emulator, History history) {
        this.emulator = emulator;
        this.history = history;
        copying.start();
    }

    private void copyAlways() {
        while (!closed) {
            copy();
            World.pause(EVERY.toMillis());
        }
    }

    /** What was told up to now, by calls, in the order in which it came: what comes later is not in it. */
    synchronized Map<String, List<Told>> told() {
        copy();
        Map<String, List<Told>> until = new HashMap<>();
        told.forEach((call, all) -> until.put(call, List.copyOf(all)));
        return until;
    }

    private synchronized void copy() {
        try (Http http = new Http(emulator, "GET", "/emulator/requests?limit=" + LIMIT, Map.of(), null,
                Duration.ofSeconds(20))) {
            JsonNode requests = Json.read(http.body());
            Set<String> met = new HashSet<>();
            for (JsonNode request : requests) {
                String identity = request.path("at").asText() + request.path("path").asText() + request.path("body").hashCode();
                met.add(identity);
                if (!known.contains(identity)) {
                    copy(request);
                }
            }
            if (!known.isEmpty() && requests.size() == LIMIT && met.stream().noneMatch(known::contains)) {
                history.violation("test", "the emulator's log was outrun: what Inkeep was told is not fully known");
            }
            known = met;
        } catch (IOException e) {
            history.violation("test", "the emulator's log cannot be read: " + e);
        }
    }

    /** A decision comes as a part of a message, by itself under the execution's path, or by itself with the call's id. */
    private void copy(JsonNode request) {
        history.count("requests to Inkeep");
        JsonNode body = request.path("body");
        for (JsonNode message : body.path("messages")) {
            for (JsonNode part : message.path("parts")) {
                if (part.path("state").asText().equals("approval-responded")) {
                    history.count("decisions told by messages");
                    told(part.path("toolCallId").asText(), request, part.path("approval"));
                }
            }
        }
        Matcher execution = EXECUTION.matcher(request.path("path").asText());
        if (execution.matches()) {
            history.count("decisions told by executions");
            told(execution.group(1), request, body);
        } else if (request.path("path").asText().equals(LEGACY)) {
            history.count("decisions told to an old server");
            told(body.path("toolCallId").asText(), request, body);
        }
    }

    private void told(String call, JsonNode request, JsonNode approval) {
        history.count("decisions told to Inkeep");
        told.computeIfAbsent(call, _ -> new CopyOnWriteArrayList<>()).add(new Told(request.path("at").asLong(),
                approval.path("approved").asBoolean(), approval.path("reason").asText("")));
    }

    @Override
    public void close() {
        closed = true;
    }
}
