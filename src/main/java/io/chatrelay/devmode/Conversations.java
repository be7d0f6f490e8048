package io.chatrelay.devmode;

import java.util.Optional;

import io.vertx.core.Vertx;

/** What the fake server remembers of its conversations, within bounds. */
final class Conversations {

    private static final int MAX_CONVERSATIONS = 20_000;
    private static final int MAX_MESSAGE_IDS = 100_000;
    private static final long MAX_BUFFERED_BYTES = 128L << 20;

    /** One conversation. Durable runs have a buffer of their own, and the newest of them hides every classic run. */
    final class Conversation {

        private final ConversationBuffer classic = new ConversationBuffer(vertx, bytes -> buffered += bytes);
        private ConversationBuffer durable;
        private long userMessages;
        private Pending pending;

        Tape record(boolean durableRun) {
            if (!durableRun) {
                return classic.record();
            }
            if (durable != null) {
                durable.retire();
            }
            durable = new ConversationBuffer(vertx, bytes -> buffered += bytes);
            return durable.record();
        }

        ConversationBuffer replay() {
            return durable != null ? durable : classic;
        }

        void accepted() {
            userMessages++;
        }

        long userMessages() {
            return userMessages;
        }

        private void forget() {
            classic.clear();
            if (durable != null) {
                durable.clear();
            }
        }

        private void retire() {
            classic.retire();
            if (durable != null) {
                durable.retire();
            }
        }

        void waitsFor(Pending call) {
            pending = call;
        }

        /** Of a durable run only: upstream says that nothing is pending even while a classic run waits. */
        Optional<Pending> pending() {
            return Optional.ofNullable(pending).filter(call -> call.run().isDurable());
        }
    }

    /** A call that waits for a decision. */
    record Pending(Step.ToolCall call, Run run, String workflowRunId, String updatedAt) {}

    private final Vertx vertx;
    private final Recent<String, Conversation> known = new Recent<>(MAX_CONVERSATIONS, Conversation::retire);
    private final Recent<String, Boolean> messageIds = new Recent<>(MAX_MESSAGE_IDS);
    private long buffered;

    Conversations(Vertx vertx) {
        this.vertx = vertx;
    }

    Optional<Conversation> find(String id) {
        return Optional.ofNullable(known.get(id));
    }

    /** The conversation of an accepted request. */
    Conversation accept(String id) {
        if (buffered > MAX_BUFFERED_BYTES) {
            known.values().stream().limit(known.size() / 2 + 1).toList().forEach(Conversation::forget);
        }
        return known.computeIfAbsent(id, _ -> new Conversation());
    }

    boolean hasMessage(String id) {
        return messageIds.containsKey(id);
    }

    void rememberMessage(String id) {
        messageIds.put(id, true);
    }
}
