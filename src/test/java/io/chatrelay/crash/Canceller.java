package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.Set;

import io.chatrelay.support.Json;

/** Stops a turn, from either replica. */
final class Canceller {

    private static final Duration CALL = Duration.ofSeconds(10);

    private static final Set<String> RUNNING = Set.of("running", "awaiting_approval");

    private final World world;
    private final String name;

    Canceller(World world, String name) {
        this.world = world;
        this.name = name;
    }

    /** Until it is answered: accepted, or too late. */
    void cancel(Sight sight, Random random) {
        long begun = System.nanoTime();
        while (!isAnswered(sight, random.nextInt(2))) {
            if (System.nanoTime() - begun > World.PATIENCE.toNanos()) {
                world.history.violation("stuck", "%s: cancelling turn %s was not answered for %s".formatted(name, sight.turn,
                        World.PATIENCE));
                return;
            }
            World.pause(50 + random.nextInt(400));
        }
    }

    private boolean isAnswered(Sight sight, int replica) {
        try (Http http = world.call(replica, "POST", "/run/v1/conversations/%s/cancel".formatted(sight.conversation),
                Json.object().put("turnId", sight.turn.toString()).toString(), CALL)) {
            String body = http.body();
            int status = http.status();
            world.history.count("cancels answered " + status);
            world.history.note(name, "cancelled %s at %d: %d".formatted(sight.turn, replica, status));
            if (status == 202) {
                // It may say that the turn has ended by itself at that moment.
                if (RUNNING.contains(Json.read(body).path("state").asText())) {
                    world.history.cancelled.add(sight.turn);
                }
            } else if (status < 500 && status != 409) {
                world.history.violation("acknowledged", "%s: cancelling turn %s was answered %d %s".formatted(name, sight.turn,
                        status, body));
            }
            return status < 500;
        } catch (IOException e) {
            world.history.count("cancels that were not answered");
            return false;
        }
    }
}
