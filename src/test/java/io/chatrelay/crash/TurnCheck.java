package io.chatrelay.crash;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.sse.SseEvent;

/** Holds a turn that has ended against itself: its rows, its replay, and what its readers saw. */
final class TurnCheck {

    private static final int TRIES = 20;

    /** The AI SDK's parts by the journal's kinds. Source: the service's {@code ChatEventCodec} and {@code AiSdkFrameWriter}. */
    private static final Map<String, String> PARTS = Map.ofEntries(Map.entry("start", "start"),
            Map.entry("step-start", "start-step"), Map.entry("step-finish", "finish-step"),
            Map.entry("text-start", "text-start"), Map.entry("reasoning-start", "reasoning-start"),
            Map.entry("reasoning", "reasoning-delta"), Map.entry("reasoning-end", "reasoning-end"),
            Map.entry("input-error", "tool-input-error"),
            Map.entry("text", "text-delta"), Map.entry("text-end", "text-end"), Map.entry("input-start", "tool-input-start"),
            Map.entry("input", "tool-input-delta"), Map.entry("call", "tool-input-available"),
            Map.entry("approval", "tool-approval-request"), Map.entry("decided", "data-tool-approval"),
            Map.entry("output", "tool-output-available"), Map.entry("output-error", "tool-output-error"),
            Map.entry("output-denied", "tool-output-denied"));
    private static final Map<String, String> ENDS = Map.of("completed", "finish", "failed", "error", "interrupted", "error",
            "cancelled", "abort");

    private final World world;

    TurnCheck(World world) {
        this.world = world;
    }

    private void wrong(String rule, String what, StoredTurn turn) {
        world.history.violation(rule, what + ": " + turn);
    }

    /** The rows alone. */
    void rows(StoredTurn turn) {
        if (turn.broken() != null) {
            wrong("numbers", turn.broken(), turn);
        }
        List<Integer> ends = new ArrayList<>();
        for (int i = 0; i < turn.lines().size(); i++) {
            if (turn.kind(i).equals("end")) {
                ends.add(i + 1);
            }
        }
        if (!ends.equals(List.of(turn.lines().size()))) {
            wrong("end", "ends are events " + ends, turn);
        } else if (!turn.lines().getLast().path("outcome").asText().equals(turn.state())) {
            wrong("end", "the last event says " + turn.lines().getLast(), turn);
        }
        if (turn.lastEvent() != turn.lines().size()) {
            wrong("end", "the turn's row says that event %d is the last".formatted(turn.lastEvent()), turn);
        }
        if (!turn.thought().equals(turn.reasoning() == null ? "" : turn.reasoning())) {
            wrong("message", "the stored reasoning is '%s', but '%s' was told".formatted(turn.reasoning(), turn.thought()),
                    turn);
        }
        settled(turn);
        String told = turn.told();
        if (turn.text() == null ? !told.isEmpty() || turn.state().equals("completed") : !turn.text().equals(told)) {
            wrong("message", "the stored message is '%s', but '%s' was told".formatted(turn.text(), told), turn);
        }
    }

    /** Whatever ends a turn settles every call of it, in the stream and in the message: but those that its caller runs. */
    private void settled(StoredTurn turn) {
        Map<String, String> open = new LinkedHashMap<>();
        for (int i = 0; i < turn.lines().size(); i++) {
            JsonNode line = turn.lines().get(i);
            String call = line.path("id").asText();
            switch (turn.kind(i)) {
                case "input-start" -> {
                    if (open.put(call, "") != null) {
                        wrong("calls", "two calls that are open have the id " + call, turn);
                    }
                }
                case "call" -> {
                    if (!open.getOrDefault(call, "").isEmpty()) {
                        wrong("calls", "two calls that are open have the id " + call, turn);
                    }
                    if (line.path("own").asInt() == 1) {
                        open.remove(call);
                    } else {
                        open.put(call, line.path("name").asText());
                    }
                }
                case "output", "output-error", "output-denied", "input-error" -> {
                    String tool = open.remove(call);
                    if (tool == null || !isOf(tool, line)) {
                        wrong("calls", "a call of '%s' is settled by %s".formatted(tool, line), turn);
                    }
                }
                default -> {
                    // Nothing of a call, or nothing that opens or settles it.
                }
            }
        }
        if (!open.isEmpty() || !turn.open().isEmpty()) {
            wrong("calls", "its end leaves calls without an outcome: %s, and in the message %s".formatted(open, turn.open()),
                    turn);
        }
    }

    /** Whether it may be what that tool of the emulator gave. */
    private static boolean isOf(String tool, JsonNode outcome) {
        String output = outcome.path("d").asText();
        return !outcome.path("t").asText().equals("output") || switch (tool) {
            case "get_weather" -> output.contains("tempC");
            case "delete_file" -> output.contains("deleted");
            default -> !output.contains("tempC") && !output.contains("deleted");
        };
    }

    /** What its readers saw against what a replay gives now. */
    void readers(StoredTurn turn, List<Sight> sights) {
        for (Dialect dialect : Dialect.values()) {
            List<Sight> seen = sights.stream().filter(sight -> sight.dialect == dialect).toList();
            if (seen.isEmpty() && dialect != Dialect.AI_SDK) {
                continue;
            }
            Sight replay = replay(turn, dialect);
            if (replay == null) {
                continue;
            }
            if (dialect == Dialect.AI_SDK) {
                stored(turn, replay);
            }
            seen.forEach(sight -> compare(turn, sight, replay));
        }
    }

    private void compare(StoredTurn turn, Sight sight, Sight replay) {
        if (!sight.lost && !sight.ending.means(turn.state())) {
            world.history.violation("end", "told as %s, but it is %s".formatted(sight.ending, turn), sight);
        }
        if (sight.ending == Ending.REFUSED) {
            if (turn.started()) {
                world.history.violation("end", "refused by a status, but it had begun: " + turn, sight);
            }
            return;
        }
        if (replay.ending == Ending.REFUSED) {
            // Its only event is its end. Who had the head of a stream by then was told it there; whoever comes later, by a status.
            if (sight.frames.size() > 1 || sight.last() > 1) {
                world.history.violation("replay", "saw more than the end of a turn that never began", sight);
            }
            return;
        }
        List<SseEvent> expected = replay.frames.stream().filter(frame -> frame.number() > sight.after).toList();
        for (int i = 0; i < Math.max(expected.size(), sight.frames.size()); i++) {
            SseEvent was = i < sight.frames.size() ? sight.frames.get(i) : null;
            SseEvent is = i < expected.size() ? expected.get(i) : null;
            if (was == null || !was.equals(is)) {
                world.history.violation("replay", "saw %s where a replay gives %s".formatted(was, is), sight);
                return;
            }
        }
    }

    private void stored(StoredTurn turn, Sight replay) {
        if (replay.ending == Ending.REFUSED) {
            return;
        }
        if (replay.frames.size() != turn.lines().size()) {
            world.history.violation("replay", "a replay gives %d of its events: %s".formatted(replay.frames.size(), turn),
                    replay);
            return;
        }
        for (int i = 0; i < replay.frames.size(); i++) {
            JsonNode line = turn.lines().get(i);
            JsonNode part = replay.frames.get(i).json();
            String kind = turn.kind(i);
            String type = switch (kind) {
                case "end" -> ENDS.get(turn.state());
                case "data" -> line.path("name").asText();
                default -> PARTS.get(kind);
            };
            boolean same = part.path("type").asText().equals(type) && switch (kind) {
                case "text", "reasoning" -> part.path("delta").equals(line.path("d"));
                case "input" -> part.path("inputTextDelta").equals(line.path("d"));
                case "input-start", "input-error", "call", "output", "output-denied", "output-error" ->
                        part.path("toolCallId").equals(line.path("id"));
                default -> true;
            };
            String id = "%d.%d".formatted(turn.ordinal(), i + 1);
            if (!replay.frames.get(i).id().equals(id)) {
                world.history.violation("numbers", "the id of event %s is %s".formatted(id, replay.frames.get(i).id()),
                        replay);
                return;
            }
            if (!same) {
                world.history.violation("replay", "event %d is stored as %s and replayed as %s".formatted(i + 1, line, part),
                        replay);
                return;
            }
        }
    }

    /** All of it from its first event; null, and a violation, if it cannot be had. */
    private Sight replay(StoredTurn turn, Dialect dialect) {
        String path = "/run/v1/conversations/%s/stream?%sturn=%s".formatted(turn.conversation(), dialect.query, turn.id());
        String last = "";
        for (int i = 0; i < TRIES; i++) {
            Sight sight = new Sight("replay", turn.conversation(), turn.id(), dialect, 0);
            try (Http http = world.call(i % 2, "GET", path, null, Duration.ofSeconds(10))) {
                if (http.status() == 200) {
                    return read(sight, http);
                }
                if (turn.id().toString().equals(http.header("x-turn-id"))) {
                    sight.ending = Ending.REFUSED;
                    return sight;
                }
                last = http.status() + " " + http.body();
            } catch (IOException e) {
                last = e.toString();
            }
            World.pause(300);
        }
        wrong("replay", "it cannot be replayed: " + last, turn);
        return null;
    }

    private Sight read(Sight sight, Http http) throws IOException {
        List<SseEvent> seen = new ArrayList<>();
        for (SseEvent frame = next(sight, http); frame != null; frame = next(sight, http)) {
            String wrong = sight.see(frame);
            seen.add(frame);
            if (wrong != null) {
                world.history.violation("replay", wrong, sight);
            }
        }
        String wrong = Matrix.wrong(http.taken(), seen);
        if (wrong != null) {
            world.history.violation("readers", wrong, sight);
        }
        return sight;
    }

    private static SseEvent next(Sight sight, Http http) throws IOException {
        try {
            return http.event(Duration.ofSeconds(10));
        } catch (EOFException | SocketException e) {
            if (sight.dialect.breaksAfter(sight.ending)) {
                return null;
            }
            throw e;
        }
    }
}
