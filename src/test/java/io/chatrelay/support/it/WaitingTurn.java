package io.chatrelay.support.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.sse.SseEvent;

/** A turn whose calls wait for approval, and its reader, whom a {@code kill -9} cuts off and who comes back. */
public final class WaitingTurn {

    private final String upstream;
    private final String conversation = "waits-" + UUID.randomUUID();
    private final SseStream seen;
    private final List<JsonNode> approvals = new ArrayList<>();
    private SseStream rest;

    /** Asks, and does not wait for the answer. */
    public WaitingTurn(RelayClient client, String upstream, String text) {
        this.upstream = upstream;
        this.seen = client.chat(upstream, conversation, text);
    }

    /** Waits until the reader has seen so many calls ask, since the turn began; fails at once where its stream is over before. */
    public WaitingTurn awaitAsked(RelayClient client, int calls) {
        assertThat(seen.awaitAsked(calls).count("tool-approval-request")).isEqualTo(calls);
        client.get("/run/v1/conversations/%s/pending-approvals".formatted(conversation)).path("approvals").forEach(open -> {
            if (approvals.stream().noneMatch(known -> known.path("id").equals(open.path("id")))) {
                approvals.add(open);
            }
        });
        assertThat(approvals).hasSize(calls);
        return this;
    }

    public String conversation() {
        return conversation;
    }

    public UUID turn() {
        return seen.turn();
    }

    public UUID approval(int index) {
        return UUID.fromString(approvals.get(index).path("id").asText());
    }

    public String call(int index) {
        return approvals.get(index).path("toolCallId").asText();
    }

    public HttpResponse<String> decide(RelayClient client, int index, boolean approved, String reason) {
        return client.decide(conversation, call(index), approved, reason);
    }

    public WaitingTurn approve(RelayClient client, int index) {
        assertThat(decide(client, index, true, null).statusCode()).isEqualTo(200);
        return this;
    }

    public WaitingTurn deny(RelayClient client, int index, String reason) {
        assertThat(decide(client, index, false, reason).statusCode()).isEqualTo(200);
        return this;
    }

    /** The reader asks for what follows the last number that it saw. */
    public void comeBack(RelayClient client) {
        assertThat(seen.awaitEnd().state()).isEqualTo(SseStream.State.CUT);
        rest = client.readOn(conversation, seen.lastId());
    }

    /** What the reader saw before and after: numbers without gap or repeat, and what is stored. */
    public List<SseEvent> awaitWhole(RelayClient client) {
        rest.awaitEnd();
        assertThat(rest.status()).isEqualTo(200);
        assertThat(rest.turn()).isEqualTo(turn());
        assertThat(rest.ids()).as("the next numbers, without gap or repeat")
                .isEqualTo(LongStream.rangeClosed(seen.lastNumber() + 1, rest.lastNumber()).boxed().toList());
        List<SseEvent> whole = Stream.concat(seen.numbered().stream(), rest.numbered().stream()).toList();
        assertThat(client.replay(conversation, turn()).awaitEnd().numbered()).isEqualTo(whole);
        return whole;
    }

    /** The last part that the reader got: {@code [DONE]} or {@code error}. */
    public String end() {
        return rest.end();
    }

    /** The parts that tell a call's outcome. */
    public static List<String> outcomes(List<SseEvent> whole, String call) {
        return whole.stream().filter(frame -> frame.type().startsWith("tool-output-"))
                .filter(frame -> frame.json().path("toolCallId").asText().equals(call)).map(SseEvent::type).toList();
    }

    /** What the ledger has on a call, by names. */
    public List<String> history(RelayClient client, int index) {
        return ledger(client, index).path("history").findValuesAsText("state");
    }

    public JsonNode ledger(RelayClient client, int index) {
        return client.get("/run/v1/tool-approvals/" + approval(index));
    }

    /** What Inkeep was told about a call, in order. */
    public List<JsonNode> told(int emulator, int index) {
        List<JsonNode> told = new ArrayList<>();
        RelayClient.get(URI.create("http://127.0.0.1:%d/emulator/requests?toolCallId=%s".formatted(emulator, call(index))))
                .forEach(request -> told.add(request.path("body")));
        return told;
    }

    public void assertIsFree(RelayClient client) {
        SseStream next = client.chat(upstream, conversation, "echo it goes on").awaitEnd();
        assertThat(next.status()).isEqualTo(200);
        assertThat(next.end()).isEqualTo("[DONE]");
        assertThat(next.answer()).isEqualTo("it goes on");
    }

    @Override
    public String toString() {
        return "%s of %s".formatted(turn(), upstream);
    }
}
