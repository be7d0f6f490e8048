package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Consumer;

import io.chatrelay.support.sse.SseEvent;

/**
 * Reads a turn to its end as a good client does: where the connection breaks, or it left by itself, it comes back with the id that it
 * saw last, to either replica.
 */
final class Reader {

    /** Heartbeats alone do not keep a reader: it asks the other one. Longer than an approval waits. */
    private static final Duration COMMENTS = Cluster.EXPIRY.plusSeconds(6);

    private final World world;
    private final Random random;

    Reader(World world, Random random) {
        this.world = world;
        this.random = random;
    }

    /** A patience: some stay with a replica that says nothing for very long, others go soon. */
    Duration patience() {
        return Duration.ofMillis(random.nextInt(3) == 0 ? 30_000 : 2500 + random.nextInt(3000));
    }

    /** Reads on. @param open the connection that has begun, or null @param asked told of each call that asks for approval */
    void read(Sight sight, Http open, Consumer<Asking> asked) {
        long progress = System.nanoTime();
        Http http = open;
        while (!sight.isOver()) {
            long before = sight.last();
            if (http == null) {
                http = open(sight);
            }
            if (http != null) {
                follow(sight, http, random.nextInt(3) == 0 ? random.nextInt(60) : Integer.MAX_VALUE, asked);
                http = null;
            }
            if (sight.last() > before) {
                progress = System.nanoTime();
            } else if (System.nanoTime() - progress > World.PATIENCE.toNanos()) {
                world.history.violation("stuck", "nothing was told for %s".formatted(World.PATIENCE), sight);
                return;
            }
            if (!sight.isOver()) {
                World.pause(20 + random.nextInt(400));
            }
        }
        world.history.count("streams read");
        world.history.sights.add(sight);
    }

    private void follow(Sight sight, Http http, int leaveAfter, Consumer<Asking> asked) {
        long first = sight.last();
        int read = 0;
        String how = "left";
        List<SseEvent> seen = new ArrayList<>();
        try (http) {
            for (; read < leaveAfter; read++) {
                SseEvent frame = http.event(COMMENTS);
                if (frame == null) {
                    how = "ended";
                    ended(sight);
                    break;
                }
                seen.add(frame);
                see(sight, frame, asked);
            }
        } catch (IOException | NumberFormatException e) {
            how = "was cut: " + e.getMessage();
        }
        world.history.count("streams read by every kind of reader");
        String wrong = Matrix.wrong(http.taken(), seen);
        if (wrong != null) {
            world.history.violation("readers", wrong, sight);
        }
        world.history.count(how.equals("left") ? "streams left" : how.equals("ended") ? "streams ended" : "streams cut");
        world.history.note(sight.reader, "read %d to %d of turn %s, %s".formatted(first + 1, sight.last(), sight.turn, how));
    }

    private void see(Sight sight, SseEvent frame, Consumer<Asking> asked) {
        String wrong = sight.see(frame);
        if (wrong != null) {
            world.history.violation("numbers", wrong, sight);
        }
        if (frame.id().isEmpty()) {
            return;
        }
        world.history.count("events read");
        Asking asking = sight.dialect.asks(frame, sight.messageId());
        if (asking != null) {
            asked.accept(asking);
        }
        if (sight.isOver() || random.nextInt(12) == 0) {
            OptionalLong stored = world.stored.last(sight.turn);
            if (stored.isPresent() && stored.getAsLong() < frame.number()) {
                world.history.violation("stored when told",
                        "event %s was told while %d was the last that is stored".formatted(frame.id(), stored.getAsLong()),
                        sight);
            }
            world.history.count("looks whether what was told is stored");
        }
    }

    /** A clean end says that all was told. */
    private void ended(Sight sight) {
        if (!sight.isOver()) {
            world.history.violation("end", "the stream ended cleanly without an end", sight);
        } else if (sight.ending == Ending.COMPLETED && !sight.done) {
            world.history.violation("end", "completed without [DONE]", sight);
        } else if (sight.dialect.breaksAfter(sight.ending)) {
            world.history.violation("end", "the stream ended cleanly after an end that is no success", sight);
        }
    }

    /**
     * Another connection, after the event that was seen last; null if there is none now. Its id says which turn it is of, whatever turn
     * runs by now; a bare number does not, and needs the turn beside it.
     */
    private Http open(Sight sight) {
        boolean place = !sight.lastId().isEmpty() && random.nextInt(4) > 0;
        boolean named = !place || random.nextInt(4) == 0;
        boolean header = random.nextBoolean();
        String last = place ? sight.lastId() : Long.toString(sight.last());
        String path = "/run/%s/%s/stream?%s%s%s%s".formatted(random.nextInt(4) == 0 ? "api/chat" : "v1/conversations",
                sight.conversation, sight.dialect.query, "approvals=wait", named ? "&turn=" + sight.turn : "",
                header ? "" : "&after=" + last);
        int replica = random.nextInt(2);
        Http http = null;
        try {
            http = header ? world.call(replica, "GET", path, null, patience(), "last-event-id", last)
                    : world.call(replica, "GET", path, null, patience());
            if (http.status() == 200) {
                return isOf(sight, http, path) ? http : closed(http);
            }
            other(sight, http, path);
        } catch (IOException e) {
            world.history.count("reads that were not answered");
        }
        return closed(http);
    }

    private boolean isOf(Sight sight, Http http, String path) {
        world.history.count("streams taken up");
        if (sight.turn.toString().equals(http.header("x-turn-id"))) {
            return true;
        }
        world.history.violation("numbers", "%s gave turn %s".formatted(path, http.header("x-turn-id")), sight);
        return false;
    }

    private void other(Sight sight, Http http, String path) throws IOException {
        int status = http.status();
        world.history.count("reads answered " + status);
        if (status >= 400 && sight.turn.toString().equals(http.header("x-turn-id")) && sight.last() == 0) {
            sight.ending = Ending.REFUSED;
        } else if (status == 204) {
            sight.lost = true;
            world.history.violation("end", "told that there is nothing more, but not how it ended", sight);
        } else if (status < 500) {
            world.history.violation("acknowledged", "%s was answered %d %s".formatted(path, status, http.body()), sight);
        } else if (status != 503) {
            world.history.note(sight.reader, "%s was answered %d %s".formatted(path, status, http.body()));
        }
    }

    private static Http closed(Http http) {
        if (http != null) {
            http.close();
        }
        return null;
    }
}
