package io.chatrelay.crash;

import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Answers calls that ask for approval: once, twice, at the same moment, contrarily, too late, or not at all. */
final class Decider {

    private static final Duration CALL = Duration.ofSeconds(10);

    private final World world;
    private final String name;
    private final String conversation;

    Decider(World world, String name, String conversation) {
        this.world = world;
        this.name = name;
        this.conversation = conversation;
    }

    /** Answers one call. Returns when every answer of its own was answered. */
    void decide(String call, Random random) {
        boolean approved = random.nextInt(3) > 0;
        switch (random.nextInt(9)) {
            case 0 -> world.history.count("approvals left to expire");
            case 1, 2 -> decide(call, approved, random);
            case 3, 4, 5 -> race(call, approved, !approved, random);
            case 6 -> race(call, approved, approved, random);
            case 7 -> {
                decide(call, approved, random);
                World.pause(random.nextInt(1500));
                decide(call, !approved, random);
                decide(call, approved, random);
            }
            default -> {
                World.pause(Cluster.EXPIRY.toMillis() - 700 + random.nextInt(1500));
                decide(call, approved, random);
            }
        }
    }

    /** Both at the same moment, each at another replica; then both again, when it is decided. */
    private void race(String call, boolean one, boolean other, Random random) {
        CyclicBarrier start = new CyclicBarrier(2);
        long seed = random.nextLong();
        Thread rival = Thread.startVirtualThread(() -> {
            Random own = new Random(seed);
            await(start);
            decide(call, other, 1, own);
        });
        await(start);
        decide(call, one, 0, random);
        join(rival);
        if (random.nextBoolean()) {
            decide(call, other, random);
            decide(call, one, random);
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

    private void decide(String call, boolean approved, Random random) {
        decide(call, approved, random.nextInt(2), random);
    }

    /** Until it is answered: what failed or broke off is unknown, and the same is said again. */
    private void decide(String call, boolean approved, int first, Random random) {
        String reason = "reason %d".formatted(random.nextInt(1_000_000));
        boolean parts = random.nextInt(3) == 0;
        int replica = first;
        long begun = System.nanoTime();
        while (!isAnswered(call, approved, reason, replica, parts)) {
            if (System.nanoTime() - begun > World.PATIENCE.toNanos()) {
                world.history.violation("stuck", "%s: a decision on %s in %s was not answered for %s".formatted(name, call,
                        conversation, World.PATIENCE));
                return;
            }
            World.pause(50 + random.nextInt(400));
            replica = random.nextInt(2);
        }
    }

    private boolean isAnswered(String call, boolean approved, String reason, int replica, boolean parts) {
        try (Http http = world.call(replica, "POST", parts ? "/run/api/chat" : "/run/api/tool-approvals",
                parts ? parts(call, approved, reason) : body(call, approved, reason), CALL)) {
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
            JsonNode approval = Frame.parse(body).path("approval");
            if (status != 200 && !(status == 409 || status == 410) || status != 200 && approval.isMissingNode()) {
                world.history.violation("ledger", "%s: a decision on %s in %s, which a stream showed, was answered %d %s"
                        .formatted(name, call, conversation, status, body));
            }
            world.history.decisions.add(new History.Decision(conversation, call, approved, reason, status,
                    approval.path("state").asText()));
            return true;
        } catch (IOException e) {
            world.history.count("decisions that were not answered");
            return false;
        }
    }

    private String body(String call, boolean approved, String reason) {
        return Frame.JSON.createObjectNode().put("conversationId", conversation).put("toolCallId", call)
                .put("approved", approved)
                .put("reason", reason).toString();
    }

    /** As {@code useChat} says it, without its trigger. */
    private String parts(String call, boolean approved, String reason) {
        ObjectNode body = Frame.JSON.createObjectNode().put("conversationId", conversation);
        ObjectNode part = body.putArray("messages").addObject().put("role", "assistant").putArray("parts").addObject()
                .put("type", "dynamic-tool").put("toolCallId", call).put("state", "approval-responded");
        part.putObject("approval").put("id", "aitxt-" + call).put("approved", approved).put("reason", reason);
        return body.toString();
    }
}
