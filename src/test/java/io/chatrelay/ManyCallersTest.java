package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.quarkus.test.junit.QuarkusTest;

/** What holds of every turn that waits, whoever answers it how often and by which path, and however badly Inkeep hears it. */
@QuarkusTest
class ManyCallersTest extends ApprovalsTest {

    private static final int TURNS = 40;
    private static final int AT_ONCE = 8;

    /**
     * How Inkeep hears the decisions on a turn's calls.
     *
     * @param fewest decisions on one call that it is told
     * @param most   more than one only where nobody knows what became of the one before
     */
    private enum Fault {
        NONE("", 1, 1),
        LOST(" ack-lost", 1, 2),
        LOST_UNHEARD(" ack-lost-unheard", 2, 2),
        REFUSED(" refuse 503 2", 3, 3),
        SLOW(" ack-slow 500", 1, 1);

        final String option;
        final int fewest;
        final int most;

        Fault(String option, int fewest, int most) {
            this.option = option;
            this.fewest = fewest;
            this.most = most;
        }
    }

    /** What one caller said, and was told. */
    private record Told(String call, boolean approved, Relay.Answer answer) {}

    private record Past(Waiting waiting, String text, Fault fault, List<Told> told) {}

    @Test
    void oneDecisionIsRecordedToldAndCarriedOut() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Past> all = new ArrayList<>();
            for (int i = 0; i < TURNS; i += AT_ONCE) {
                List<Callable<Past>> turns = new ArrayList<>();
                for (int j = 0; j < AT_ONCE; j++) {
                    Random own = new Random(random.nextLong());
                    turns.add(() -> turn(own, threads));
                }
                all.addAll(results(threads, turns));
            }
            all.forEach(past -> assertThat(past).as("seed %d", seed).satisfies(this::isDecidedOnce));
        }
    }

    private Past turn(Random random, ExecutorService threads) throws InterruptedException, ExecutionException {
        Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
        String text = (random.nextBoolean() ? ONE : TWO) + fault.option;
        Waiting waiting = waiting(text);
        List<Callable<Told>> callers = new ArrayList<>();
        for (int i = 3 + random.nextInt(5); i >= 0; i--) {
            int index = i % waiting.approvals().size();
            boolean approved = random.nextBoolean();
            boolean inChat = random.nextInt(3) == 0;
            callers.add(() -> new Told(waiting.call(index), approved, inChat
                    ? relay().post(CHAT, inChat(waiting, index, approved))
                    : relay().post(DECIDE, waiting.decision(index, approved))));
        }
        List<Told> told = results(threads, callers);
        awaitEnd(waiting.conversation());
        return new Past(waiting, text, fault, told);
    }

    private static <T> List<T> results(ExecutorService threads, List<Callable<T>> tasks)
            throws InterruptedException, ExecutionException {
        List<T> results = new ArrayList<>();
        for (Future<T> task : threads.invokeAll(tasks)) {
            results.add(task.get());
        }
        return results;
    }

    private static ObjectNode inChat(Waiting waiting, int index, boolean approved) {
        ObjectNode body = Json.of("{'messages':[{'role':'assistant','content':null,'parts':[{'state':'approval-responded'}]}]}")
                .put("conversationId", waiting.conversation());
        JsonNode asked = waiting.approvals().get(index);
        ((ObjectNode) body.at("/messages/0/parts/0")).put("type", "tool-" + asked.path("toolName").asText())
                .put("toolCallId", waiting.call(index)).putObject("approval").put("approved", approved);
        return body;
    }

    private void isDecidedOnce(Past past) {
        String turnId = past.waiting().approvals().getFirst().path("turnId").asText();
        assertThat(turn(turnId)).as(past.text()).isEqualTo("completed");
        for (JsonNode asked : past.waiting().approvals()) {
            String call = asked.path("toolCallId").asText();
            JsonNode recorded = relay().get(INBOX + "/" + asked.path("id").asText()).json();
            String state = recorded.path("state").asText();
            assertThat(state).isIn("approved", "denied");
            assertThat(recorded.path("outcome").asText()).as("of what was %s: %s", state, past.text())
                    .isEqualTo(state.equals("approved") ? "executed" : "denied");
            assertThat(heard(call)).as("what Inkeep was told of %s: %s", call, past.text())
                    .hasSizeBetween(past.fault().fewest, past.fault().most).containsOnly(state.equals("approved"));
            past.told().stream().filter(told -> told.call().equals(call)).forEach(told -> isToldWhatIsRecorded(told, recorded));
        }
    }

    private static void isToldWhatIsRecorded(Told told, JsonNode recorded) {
        String state = recorded.path("state").asText();
        JsonNode body = told.answer().json();
        if (state.equals(told.approved() ? "approved" : "denied")) {
            assertThat(told.answer().status()).as(told.answer().body()).isEqualTo(200);
            assertThat(body.path("success").asBoolean()).as(told.answer().body()).isTrue();
        } else {
            assertThat(told.answer().status()).as(told.answer().body()).isEqualTo(409);
            assertThat(body.path("code").asText()).isEqualTo("approval_decided");
            for (String field : List.of("id", "state", "decidedAt", "decidedBy")) {
                assertThat(body.path("approval").path(field)).as(field).isEqualTo(recorded.path(field));
            }
        }
    }

    /** The decisions on a call that came to Inkeep's door, heard or not. */
    private List<Boolean> heard(String call) {
        List<Boolean> decisions = new ArrayList<>();
        for (JsonNode request : emulator().naming(call)) {
            for (JsonNode message : request.at("/body/messages")) {
                for (JsonNode part : message.path("parts")) {
                    if (part.path("toolCallId").asText().equals(call) && part.has("approval")) {
                        decisions.add(part.at("/approval/approved").asBoolean());
                    }
                }
            }
        }
        return decisions;
    }
}
