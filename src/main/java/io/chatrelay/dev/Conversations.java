package io.chatrelay.dev;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

import io.chatrelay.dev.Approvals.Asked;
import io.vertx.core.Vertx;

/** What the fake server remembers of its conversations, within bounds. */
final class Conversations {

    private static final int MAX_CONVERSATIONS = 20_000;
    private static final int MAX_EXECUTIONS = 5_000;
    private static final int MAX_MESSAGE_IDS = 100_000;
    private static final long MAX_BUFFERED_BYTES = 128L << 20;

    /** One conversation. Durable runs have a buffer of their own, and the newest of them hides every classic run. */
    final class Conversation {

        private final String id;
        private final ConversationBuffer classic = new ConversationBuffer(vertx, bytes -> buffered += bytes);
        private ConversationBuffer durable;
        private long userMessages;
        private final Deque<Asked> asked = new ArrayDeque<>();

        private Conversation(String id) {
            this.id = id;
        }

        RunRecorder record(boolean durableRun) {
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

        void waitsFor(Asked call) {
            asked.removeIf(earlier -> !earlier.waits());
            asked.push(call);
        }

        /** Of a durable run only: upstream says that nothing is pending even while a classic run waits. */
        Optional<Asked> pending() {
            return asked.stream().filter(call -> call.waits() && call.run.isDurable()).findFirst();
        }
    }

    /** A durable run. Its own stream keeps what followed an approval, too. */
    record Execution(String conversationId, ConversationBuffer stream) {}

    private final Vertx vertx;
    private final LruMap<String, Conversation> known = new LruMap<>(MAX_CONVERSATIONS, Conversation::retire);
    private final LruMap<String, Execution> executions = new LruMap<>(MAX_EXECUTIONS, run -> run.stream().retire());
    private final LruMap<String, Boolean> messageIds = new LruMap<>(MAX_MESSAGE_IDS);
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
            executions.values().stream().limit(executions.size() / 2 + 1).forEach(run -> run.stream().clear());
        }
        return known.computeIfAbsent(id, Conversation::new);
    }

    RunRecorder recordExecution(String id, Conversation conversation) {
        ConversationBuffer stream = new ConversationBuffer(vertx, bytes -> buffered += bytes);
        executions.put(id, new Execution(conversation.id, stream));
        return stream.record();
    }

    Optional<Execution> execution(String id) {
        return Optional.ofNullable(executions.get(id));
    }

    boolean hasMessage(String id) {
        return messageIds.containsKey(id);
    }

    void rememberMessage(String id) {
        messageIds.put(id, true);
    }
}
