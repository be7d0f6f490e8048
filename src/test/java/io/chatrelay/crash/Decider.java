package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.sse.SseEvent;

/** Answers calls that ask for approval: once, twice, at the same moment, contrarily, too late, or not at all. */
final class Decider {

    private static final Duration CALL = Duration.ofSeconds(10);

    private final World world;
    private final String name;
    private final String conversation;
    private final UUID turn;
    private final boolean reusesIds;

    /** @param reusesIds whether a call's id says only with the message's id which call is meant: other turns may have it, too */
    Decider(World world, String name, Sight sight, boolean reusesIds) {
        this.world = world;
        this.name = name;
        this.conversation = sight.conversation;
        this.turn = sight.turn;
        this.reusesIds = reusesIds;
    }

    /** Answers one call. Returns when every answer of its own was answered. */
    void decide(Asking shown, Random random) {
        Asking asking = reusesIds && shown.messageId() == null
                ? new Asking(shown.call(), shown.approvalId(), messageId(random))
                : shown;
        if (reusesIds && asking.messageId() == null) {
            return;
        }
        boolean approved = random.nextInt(3) > 0;
        switch (random.nextInt(9)) {
            case 0 -> world.history.count("approvals left to expire");
            case 1, 2 -> decide(asking, approved, random);
            case 3, 4, 5 -> race(asking, approved, !approved, random);
            case 6 -> race(asking, approved, approved, random);
            case 7 -> {
                decide(asking, approved, random);
                World.pause(random.nextInt(1500));
                decide(asking, !approved, random);
                decide(asking, approved, random);
            }
            default -> {
                World.pause(Cluster.EXPIRY.toMillis() - 700 + random.nextInt(1500));
                decide(asking, approved, random);
            }
        }
    }

    /** Both at the same moment, each at another replica; then both again, when it is decided. */
    private void race(Asking asking, boolean one, boolean other, Random random) {
        CyclicBarrier start = new CyclicBarrier(2);
        long seed = random.nextLong();
        Thread rival = Thread.startVirtualThread(() -> {
            Random own = new Random(seed);
            await(start);
            decide(asking, other, 1, own);
        });
        await(start);
        decide(asking, one, 0, random);
        join(rival);
        if (random.nextBoolean()) {
            decide(asking, other, random);
            decide(asking, one, random);
        }
    }

    private static void await(CyclicBarrier start) {
        try {
            start.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private void decide(Asking asking, boolean approved, Random random) {
        decide(asking, approved, random.nextInt(2), random);
    }

    /** Until it is answered: what failed or broke off is unknown, and the same is said again. */
    private void decide(Asking asking, boolean approved, int first, Random random) {
        String reason = "reason %d".formatted(random.nextInt(1_000_000));
        boolean parts = random.nextInt(3) == 0 || reusesIds;
        int replica = first;
        long begun = System.nanoTime();
        while (!isAnswered(asking, approved, reason, replica, parts)) {
            if (System.nanoTime() - begun > World.PATIENCE.toNanos()) {
                world.history.violation("stuck", "%s: a decision on %s in %s was not answered for %s".formatted(name, asking,
                        conversation, World.PATIENCE));
                return;
            }
            World.pause(50 + random.nextInt(400));
            replica = random.nextInt(2);
        }
    }

    private boolean isAnswered(Asking asking, boolean approved, String reason, int replica, boolean parts) {
        try (Http http = world.call(replica, "POST", parts ? "/run/api/chat" : "/run/api/tool-approvals",
                parts ? parts(asking, approved, reason) : body(asking.call(), approved, reason), CALL)) {
            String call = asking.call();
            String body = http.body();
            int status = http.status();
            world.history.count("decisions answered " + status);
            world.history.note(name,
                    "%s %s at %d with %s: %d".formatted(approved ? "approved" : "denied", call, replica, reason,
                            status));
            if (status >= 500) {
                if (status != 503) {
                    world.history.note(name, body);
                }
                return false;
            }
            JsonNode approval = Json.read(body).path("approval");
            if (status != 200 && !(status == 409 || status == 410) || status != 200 && approval.isMissingNode()) {
                world.history.violation("ledger", "%s: a decision on %s in %s, which a stream showed, was answered %d %s"
                        .formatted(name, call, conversation, status, body));
            }
            world.history.decisions.add(new History.Decision(turn, call, approved, reason, status,
                    approval.path("state").asText()));
            return true;
        } catch (IOException e) {
            world.history.count("decisions that were not answered");
            return false;
        }
    }

    private String body(String call, boolean approved, String reason) {
        return Json.object().put("conversationId", conversation).put("toolCallId", call)
                .put("approved", approved).put("reason", reason).toString();
    }

    /** As {@code useChat} says it, without its trigger. */
    private String parts(Asking asking, boolean approved, String reason) {
        ObjectNode body = Json.object().put("conversationId", conversation);
        ObjectNode message = body.putArray("messages").addObject().put("role", "assistant");
        if (asking.messageId() != null) {
            message.put("id", asking.messageId());
        }
        ObjectNode part = message.putArray("parts").addObject().put("type", "dynamic-tool").put("toolCallId", asking.call())
                .put("state", "approval-responded");
        part.putObject("approval").put("id", asking.approvalId()).put("approved", approved).put("reason", reason);
        return body.toString();
    }

    /** Of the turn's answer, from the wire that tells it; null if nobody says it. */
    private String messageId(Random random) {
        String path = "/run/v1/conversations/%s/stream?turn=%s".formatted(conversation, turn);
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < World.PATIENCE.toNanos()) {
            try (Http http = world.call(random.nextInt(2), "GET", path, null, CALL)) {
                SseEvent first = http.status() == 200 ? http.event(CALL) : null;
                if (first != null) {
                    return first.json().path("messageId").asText();
                }
            } catch (IOException e) {
                world.history.count("reads that were not answered");
            }
            World.pause(50 + random.nextInt(400));
        }
        world.history.violation("stuck", "%s: nobody told the id of turn %s's answer for %s".formatted(name, turn,
                World.PATIENCE));
        return null;
    }
}
