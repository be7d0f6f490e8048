package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.Test;

import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Ids;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;

/** What the span of a turn is made of, and when it and its parts are exported. */
class TurnSpanTest {

    private static final Instant ASKED = Instant.parse("2026-11-27T10:00:00Z");
    private static final Instant DECIDED = ASKED.plusSeconds(90);

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final Tracer tracer = SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exported)).build()
            .get("test");
    private final Turn turn = new Turn(Ids.next(), "acme", "app", Ids.next(), "c-1", 1, "agents", "agents", Ids.next(),
            Instant.now());
    private final TurnSpan span = new TurnSpan(tracer, tracer.spanBuilder("turn").startSpan());

    private static ToolCalled call(int number, boolean callerRuns) {
        return new ToolCalled(new Call(number, "call-" + number, "up-" + number), "delete_file",
                new RawJson("{\"path\":\"secret\"}"),
                callerRuns);
    }

    private static Ledger.Due decision(int number, ApprovalState state) {
        return new Ledger.Due(UUID.randomUUID(), UUID.randomUUID(), "call-" + number, "approval-" + number,
                new Ledger.Asker(number, "up-" + number, "up-approval", "delete_file"), state, "said why", 0, false, ASKED,
                DECIDED);
    }

    private static ApprovalRequested request(int number) {
        return new ApprovalRequested("approval-" + number, "call-" + number, "up-approval");
    }

    private SpanData only(String name) {
        assertThat(exported.getFinishedSpanItems()).filteredOn(one -> one.getName().equals(name)).hasSize(1);
        return exported.getFinishedSpanItems().stream().filter(one -> one.getName().equals(name)).findFirst().orElseThrow();
    }

    private List<String> names() {
        return exported.getFinishedSpanItems().stream().map(SpanData::getName).toList();
    }

    @Test
    void endsWithTheStoredEnd() {
        span.of(turn);
        span.ends(turn, Ended.completed(FinishReason.TOOL_CALLS, new Usage(7, 3, 10)));
        span.over(null);
        assertThat(names()).isEmpty();

        span.ended(turn, Ended.completed(FinishReason.TOOL_CALLS, new Usage(7, 3, 10)));

        SpanData data = only("turn");
        assertThat(data.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(data.getAttributes().get(GenAiAttributes.OUTCOME)).isEqualTo("completed");
        assertThat(data.getAttributes().get(GenAiAttributes.FINISH_REASONS)).containsExactly("tool_calls");
        assertThat(data.getAttributes().get(GenAiAttributes.INPUT_TOKENS)).isEqualTo(7);
        assertThat(data.getAttributes().get(GenAiAttributes.OUTPUT_TOKENS)).isEqualTo(3);
        assertThat(data.getAttributes().get(GenAiAttributes.CONVERSATION)).isEqualTo("c-1");
        assertThat(data.getAttributes().get(GenAiAttributes.TENANT)).isEqualTo("acme");
    }

    @Test
    void ofAFailureHasTheCodeAndNotTheSentence() {
        span.ended(turn, Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT, "A sentence.")));

        SpanData data = only("turn");
        assertThat(data.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(data.getStatus().getDescription()).isEmpty();
        assertThat(data.getAttributes().get(GenAiAttributes.ERROR)).isEqualTo("upstream_cut");
    }

    @Test
    void ofACancelledTurnIsNoError() {
        span.ended(turn, Ended.cancelled(null));

        assertThat(only("turn").getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(only("turn").getAttributes().get(GenAiAttributes.ERROR)).isNull();
    }

    @Test
    void ofATurnThatIsLeftSaysSo() {
        span.left(turn);

        assertThat(only("turn").getAttributes().get(GenAiAttributes.OUTCOME)).isEqualTo("left");
    }

    @Test
    void hasTheTimeToTheFirstEventAlone() {
        span.answers(turn);
        span.answers(turn);
        span.ended(turn, Ended.completed(FinishReason.STOP, null));

        assertThat(only("turn").getAttributes().get(GenAiAttributes.FIRST_CHUNK)).isPositive();
        assertThat(only("turn").getAttributes().get(GenAiAttributes.INPUT_TOKENS)).isNull();
    }

    @Test
    void ofATurnThatIsTakenOverDoesNotMeasureWhatAnotherReplicaSaw() {
        span.takesOver(turn);
        span.answers(turn);
        span.ended(turn, Ended.completed(FinishReason.STOP, null));

        assertThat(only("turn").getAttributes().get(GenAiAttributes.FIRST_CHUNK)).isNull();
        assertThat(only("turn").getAttributes().get(GenAiAttributes.TAKEN_OVER)).isTrue();
    }

    @Test
    void hasAPartForEachToolThatRan() {
        span.called(turn, call(0, false));
        span.called(turn, call(1, false));
        span.called(turn, call(2, true));
        span.settled(turn, call(0, false), new ToolSucceeded("call-0", new RawJson("\"secret\"")));
        span.settled(turn, call(1, false), new ToolFailed("call-1", "secret"));
        assertThat(names()).containsExactly("execute_tool delete_file", "execute_tool delete_file");
        SpanData succeeded = exported.getFinishedSpanItems().getFirst();
        SpanData failed = exported.getFinishedSpanItems().getLast();
        span.ended(turn, Ended.completed(FinishReason.TOOL_CALLS, null));

        assertThat(names()).as("the caller's tool runs elsewhere").hasSize(3);
        assertThat(succeeded.getParentSpanId()).isEqualTo(only("turn").getSpanId());
        assertThat(succeeded.getTraceId()).isEqualTo(only("turn").getTraceId());
        assertThat(succeeded.getAttributes().get(GenAiAttributes.CALL)).isEqualTo("call-0");
        assertThat(succeeded.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(failed.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(failed.getAttributes().get(GenAiAttributes.ERROR)).isEqualTo("tool_failed");
        assertThat(exported.getFinishedSpanItems().toString()).doesNotContain("secret");
    }

    @Test
    void hasAPartForTheWaitAndOneForTheToolAfterIt() {
        span.called(turn, call(0, false));
        span.asked(turn, call(0, false), request(0));
        span.decided(turn, decision(0, ApprovalState.APPROVED));
        span.settled(turn, call(0, false), new ToolSucceeded("call-0", new RawJson("1")));

        SpanData approval = only("approval delete_file");
        assertThat(approval.getStartEpochNanos()).as("the ledger's time").isEqualTo(ASKED.getEpochSecond() * 1_000_000_000);
        assertThat(approval.getEndEpochNanos()).isEqualTo(DECIDED.getEpochSecond() * 1_000_000_000);
        assertThat(approval.getAttributes().get(GenAiAttributes.APPROVAL)).isEqualTo("approval-0");
        assertThat(approval.getAttributes().get(GenAiAttributes.APPROVAL_STATE)).isEqualTo("approved");
        assertThat(names()).containsExactly("approval delete_file", "execute_tool delete_file");
        assertThat(exported.getFinishedSpanItems().toString()).doesNotContain("said why");
    }

    @Test
    void hasNoPartForAToolThatWasDenied() {
        span.called(turn, call(0, false));
        span.asked(turn, call(0, false), request(0));
        span.decided(turn, decision(0, ApprovalState.DENIED));
        span.settled(turn, call(0, false), new ToolDenied("call-0"));

        assertThat(names()).containsExactly("approval delete_file");
    }

    @Test
    void hasAPartForWhatItsEndLeavesOpen() {
        span.called(turn, call(0, false));
        span.called(turn, call(1, false));
        span.asked(turn, call(1, false), request(1));
        span.ended(turn, new Ended(Outcome.CANCELLED, null, null, null));

        assertThat(only("execute_tool delete_file").getAttributes().get(GenAiAttributes.ERROR)).isEqualTo("cancelled");
        assertThat(only("approval delete_file").getAttributes().get(GenAiAttributes.APPROVAL_STATE)).isEqualTo("superseded");
        assertThat(names()).last().isEqualTo("turn");
    }

    @Test
    void hasPartsForCallsThatAnotherReplicaRead() {
        span.takesOver(turn);
        span.decided(turn, decision(0, ApprovalState.APPROVED));
        span.decided(turn, decision(1, ApprovalState.APPROVED));
        span.settled(turn, call(0, false), new ToolSucceeded("call-0", new RawJson("1")));
        span.ended(turn, Ended.completed(FinishReason.STOP, null));

        assertThat(names()).containsExactly("approval delete_file", "approval delete_file", "execute_tool delete_file", "turn");
    }
}
