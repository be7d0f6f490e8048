package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.UUID;
import java.util.function.Consumer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.it.RelayClient;

/** Sends a message until somebody has taken it, always under the same key, and reads its answer to the end. */
final class Sender {

    /** Whoever wants all at once hears nothing before. Longer than any answer, shorter than {@link World#PATIENCE}. */
    private static final Duration WHOLE_ANSWER = Duration.ofSeconds(40);

    private final World world;
    private final String name;
    private final String upstream;
    private final Reader reader;
    private final Random random;

    Sender(World world, String name, String upstream, Reader reader, Random random) {
        this.world = world;
        this.name = name;
        this.upstream = upstream;
        this.reader = reader;
        this.random = random;
    }

    /** What is done meanwhile. */
    interface Meanwhile {
        /** Somebody has taken the message. Gives what is told of each call that asks for approval. */
        Consumer<Asking> taken(Sight sight);
    }

    /**
     * @param options further members of the body
     * @return whether its answer was read to its end; false where the turn was cancelled before it told anything, or nobody took it
     */
    boolean send(History.Sent sent, Dialect dialect, ObjectNode options, Meanwhile meanwhile) {
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < World.PATIENCE.toNanos()) {
            int replica = random.nextInt(2);
            try (Http http = world.call(replica, "POST", dialect.path, body(sent, dialect, options), reader.patience(),
                    "idempotency-key", sent.key())) {
                world.history.count("sends answered " + http.status());
                world.history.note(name, "sent %s in %s at %d: %d %s".formatted(sent.key(), sent.conversation(), replica,
                        http.status(), http.header("x-turn-id")));
                if (http.status() == 200) {
                    UUID turn = UUID.fromString(http.header("x-turn-id"));
                    sent.acknowledged().add(turn);
                    Sight sight = new Sight(name, sent.conversation(), turn, dialect, 0);
                    reader.read(sight, http, meanwhile.taken(sight));
                    return true;
                }
                if (http.status() == 202) {
                    // It waits; its turn will have this id, and the same again is answered by the turn once it runs.
                    UUID waiting = UUID.fromString(Json.read(http.body()).path("id").asText());
                    sent.acknowledged().add(waiting);
                    world.history.count("messages that waited");
                    world.history.waited.add(new History.Waited(waiting, sent.conversation(), sent.said().text()));
                    if (random.nextInt(3) == 0) {
                        // Its sender comes back for nothing: what is acknowledged needs no one.
                        return false;
                    }
                } else if ("false".equals(http.header("x-should-retry")) && http.status() >= 500) {
                    // It waited and failed: nobody has to send it again.
                    return false;
                } else if (!again(sent, http.status(), http.body())) {
                    return false;
                }
            } catch (IOException e) {
                world.history.count("sends that were not answered");
            }
            World.pause(50 + random.nextInt(500));
        }
        world.history.violation("stuck", "%s: message %s in %s was not taken for %s".formatted(name, sent.key(),
                sent.conversation(), World.PATIENCE));
        return false;
    }

    /** Sends it as one who wants the answer in one piece, until that is there, or the end without one, or the question. */
    void ask(History.Sent sent, Dialect dialect, ObjectNode options) {
        ObjectNode whole = ((ObjectNode) Json.read(body(sent, dialect, options))).put("stream", false);
        whole.remove("stream_options");
        // Half of them answer what waits for an approval by themselves, once they were told of it; here, others do.
        String prefer = random.nextBoolean() ? "wait" : "return=representation";
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < World.PATIENCE.toNanos()) {
            int replica = random.nextInt(2);
            try (Http http = world.call(replica, "POST", dialect.path, whole.toString(), WHOLE_ANSWER, "idempotency-key",
                    sent.key(), "prefer", prefer)) {
                String body = http.body();
                String turn = http.header("x-turn-id");
                world.history.count("whole answers " + http.status());
                world.history.note(name, "asked %s in %s at %d: %d %s".formatted(sent.key(), sent.conversation(), replica,
                        http.status(), turn));
                if (http.status() == 200) {
                    sent.acknowledged().add(UUID.fromString(turn));
                }
                if (turn != null && !(http.status() == 503 && goesOn(body))) {
                    boolean mayBeRepeated = !"false".equals(http.header("x-should-retry"));
                    if (!mayBeRepeated && http.status() >= 500) {
                        // It has begun, and keeps its key.
                        sent.acknowledged().add(UUID.fromString(turn));
                    }
                    world.history.wholes.add(new History.Whole(name, UUID.fromString(turn), http.status(), mayBeRepeated,
                            Json.read(body)));
                    return;
                }
                if (!again(sent, http.status(), body)) {
                    return;
                }
            } catch (IOException e) {
                world.history.count("whole answers that did not come");
            }
            World.pause(50 + random.nextInt(500));
        }
        world.history.violation("stuck", "%s: message %s in %s was not answered in one piece for %s".formatted(name,
                sent.key(), sent.conversation(), World.PATIENCE));
    }

    /** Whether a replica only says that it does not serve the turn, which has not ended. */
    private static boolean goesOn(String problem) {
        return !Json.read(problem).path("code").asText().equals("replica_lost");
    }

    /** Whether a good client sends it again. */
    private boolean again(History.Sent sent, int status, String body) {
        if (status == 202) {
            // Another of the same key made it wait.
            return true;
        }
        if (status >= 500) {
            if (status != 503) {
                world.history.note(name, body);
            }
            return true;
        }
        JsonNode problem = Json.read(body);
        String code = problem.path("code").asText();
        if (status == 409 && code.equals("turn_running")) {
            return true;
        }
        if (status == 409 && code.equals("turn_cancelled")) {
            return false;
        }
        world.history.violation("acknowledged", "%s: message %s in %s was answered %d %s".formatted(name, sent.key(),
                sent.conversation(), status, body));
        return false;
    }

    private String body(History.Sent sent, Dialect dialect, ObjectNode options) {
        ObjectNode body = options.deepCopy();
        switch (dialect) {
            case AI_SDK ->
                    body.setAll((ObjectNode) Json.read(RelayClient.body(upstream, sent.conversation(), sent.said().text())));
            case OPENAI -> {
                body.put("model", upstream).put("conversationId", sent.conversation()).put("stream", true);
                body.putObject("stream_options").put("include_usage", true);
                body.putArray("messages").addObject().put("role", "user").put("content", sent.said().text());
            }
        }
        return body.toString();
    }
}
