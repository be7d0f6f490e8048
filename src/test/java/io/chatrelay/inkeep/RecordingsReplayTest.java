package io.chatrelay.inkeep;

import static io.chatrelay.event.Failure.Code.CONTEXT_LENGTH_EXCEEDED;
import static io.chatrelay.event.Failure.Code.UPSTREAM_CUT;
import static io.chatrelay.event.Failure.Code.UPSTREAM_ERROR;
import static io.chatrelay.event.Failure.Code.UPSTREAM_PROTOCOL;
import static io.chatrelay.event.Failure.Code.UPSTREAM_RATE_LIMITED;
import static io.chatrelay.event.Failure.Code.UPSTREAM_REFUSED;
import static io.chatrelay.event.Failure.Code.UPSTREAM_UNAUTHORIZED;
import static io.chatrelay.event.Failure.Code.UPSTREAM_UNAVAILABLE;
import static io.chatrelay.inkeep.RecordingsReplayTest.Expected.completed;
import static io.chatrelay.inkeep.RecordingsReplayTest.Expected.failed;
import static io.chatrelay.inkeep.RecordingsReplayTest.Expected.waits;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Usage;

/**
 * What every recorded answer means. The table was written from the recordings, not from what the decoders make of them. It is one
 * file because it is one table: a recording without a row fails.
 */
class RecordingsReplayTest {

    private static final String DELETED = "{\"deleted\":\"docs/report.txt\",\"ok\":true,\"_toolCallId\":\"%s\"}";
    private static final String WEATHER = "{\"content\":[{\"type\":\"text\",\"text\":{\"city\":\"Paris\",\"tempC\":21,\"sky\":\"clear\"}}],\"_toolCallId\":\"%s\"}";
    private static final String REPORT = "{\"path\":\"docs/report.txt\"}";
    private static final String PARIS = "{\"city\":\"Paris\"}";
    private static final String TORN = "This answer will break off".repeat(3);
    private static final String OLD_WEATHER = "\n\nTool said: {\"result\":{\"content\":[{\"type\":\"text\",\"text\":{\"city\":\"Paris\",\"tempC\":21,\"sky\":\"clear\"}}]},"
            + "\"toolCallId\":\"%s\"}";

    /** How an answer comes out; unless said otherwise, with one run of text, or none where it says nothing. */
    record Expected(Outcome outcome, FinishReason reason, Failure.Code code, String message, Usage usage, String text,
            int texts, List<String> calls, List<String> approvals) {

        static Expected completed(String text) {
            return new Expected(Outcome.COMPLETED, FinishReason.STOP, null, null, null, text, text.isEmpty() ? 0 : 1,
                    List.of(), List.of());
        }

        static Expected failed(Failure.Code code, String message, String text) {
            return new Expected(Outcome.FAILED, null, code, message, null, text, text.isEmpty() ? 0 : 1, List.of(), List.of());
        }

        /** Ends without an end, for a decision has to come first. */
        static Expected waits() {
            return new Expected(null, null, null, null, null, "", 0, List.of(), List.of());
        }

        Expected because(FinishReason other) {
            return new Expected(outcome, other, code, message, usage, text, texts, calls, approvals);
        }

        Expected counting(long prompt, long completion, long total) {
            return new Expected(outcome, reason, code, message, new Usage(prompt, completion, total), text, texts, calls,
                    approvals);
        }

        Expected calls(String id, String tool, String input, String then) {
            return new Expected(outcome, reason, code, message, usage, text, texts,
                    Stream.concat(calls.stream(), Stream.of("%s %s %s %s".formatted(id, tool, input, then))).toList(),
                    approvals);
        }

        Expected asks(String... callIds) {
            return new Expected(outcome, reason, code, message, usage, text, texts, calls,
                    Stream.of(callIds).map(id -> "aitxt-" + id + " for " + id).toList());
        }

        static Expected of(List<ChatEvent> events) {
            Transcript transcript = new Transcript();
            Map<String, String> outcomes = new HashMap<>();
            List<String> approvals = new ArrayList<>();
            int texts = 0;
            for (ChatEvent event : events) {
                transcript.apply(event);
                switch (event) {
                    case ChatEvent.TextStarted _ -> texts++;
                    case ChatEvent.ApprovalRequested(var id, var callId, _) -> approvals.add(id + " for " + callId);
                    case ChatEvent.ToolSucceeded(var id, var output) -> outcomes.put(id, "gives " + output.text());
                    case ChatEvent.ToolFailed(var id, var error) -> outcomes.put(id, "fails " + error);
                    case ChatEvent.ToolDenied(var id) -> outcomes.put(id, "is denied");
                    case ChatEvent _ -> {
                        // the transcript has it
                    }
                }
            }
            Ended end = transcript.ended() == null ? new Ended(null, null, null, null) : transcript.ended();
            Failure failure = end.failure();
            return new Expected(end.outcome(), end.finishReason(), failure == null ? null : failure.code(),
                    failure == null ? null : failure.message(), end.usage(), transcript.text(), texts,
                    transcript.calls().stream().map(call -> "%s %s %s %s".formatted(call.callId(), call.toolName(),
                            call.input().text(), outcomes.getOrDefault(call.callId(), "stays open"))).toList(),
                    approvals);
        }
    }

    private static final Map<String, Expected> TABLE = new LinkedHashMap<>();

    static {
        agents();
        agentsWithTools();
        agentsThatRefuse();
        legacy();
        cloud();
    }

    private static void agents() {
        TABLE.put("agents/01-chat-plain-stream", completed(hello(1, "hi there")));
        TABLE.put("agents/03-chat-stream-false", completed(hello(1, "hi there")).counting(0, 0, 0));
        TABLE.put("agents/06a-chat-multiturn-turn1", completed(hello(1, "first question")));
        TABLE.put("agents/06b-chat-multiturn-turn2", completed(hello(2, "second question")));
        TABLE.put("agents/07a-chat-emit-operations", completed(hello(1, "hi there")));
        TABLE.put("agents/09a-chat-raw-chunked-framing", completed(hello(1, "hi")));
        TABLE.put("agents/10-chat-usechat-parts-body", completed(hello(1, "hi from parts")));
        TABLE.put("agents/11a-chat-client-message-id", completed(hello(1, "hi")));
        TABLE.put("agents/12a-chat-long-answer", completed(numbered("Line %d of the answer.", 200, "\n")));
        TABLE.put("agents/13a-chat-empty-answer", couldNot());
        TABLE.put("agents/15-chat-client-x-request-id", completed(hello(1, "hi")));
        TABLE.put("agents/47a-chat-empty-messages", couldNot());
        TABLE.put("agents/51-chat-llm-500", couldNot());
        TABLE.put("agents/54-chat-llm-dies-midstream", failed(UPSTREAM_ERROR,
                "The {upstream} ended its answer without completing it; what came before is kept.", TORN));
        TABLE.put("agents/56-chat-stream-false-llm-500", failed(UPSTREAM_ERROR,
                "The {upstream} ended its answer as 'error'; what came before is kept.", ""));
        TABLE.put("agents/60-chat-client-disconnect", cut(numbered("word%d", 10, " ")));
        TABLE.put("agents/63a-chat-disconnects-at-3s", cut(numbered("word%d", 11, " ")));
        TABLE.put("agents/66c-second-chat-turn-while-pending", completed(hello(2, "hello again")));
        TABLE.put("agents/70a-chat-durable-plain", completed(hello(1, "hi there")));
    }

    private static void agentsWithTools() {
        TABLE.put("agents/20a-chat-tool-no-approval",
                completed("\n\nTool said: {\"now\":\"2026-01-01T00:00:00Z\",\"tz\":\"UTC\",\"_toolCallId\":\"call_fake_29_0\"}")
                        .calls("call_fake_29_0", "get_time", "{\"timezone\":\"UTC\"}",
                                "gives {\"now\":\"2026-01-01T00:00:00Z\",\"tz\":\"UTC\",\"_toolCallId\":\"call_fake_29_0\"}"));
        TABLE.put("agents/20c-chat-tool-no-approval-stream-false",
                completed("\n\nTool said: {\"now\":\"2026-01-01T00:00:00Z\",\"tz\":\"UTC\",\"_toolCallId\":\"call_fake_33_0\"}")
                        .counting(0, 0, 0));
        TABLE.put("agents/21a-chat-function-tool-throws", completed(
                "\n\nTool said: Function execution failed with code 1: {\"success\":false,\"error\":\"tool exploded\"}")
                .calls("call_fake_37_0", "boom", REPORT,
                        "fails Function execution failed with code 1: {\"success\":false,\"error\":\"tool exploded\"}\n"));
        TABLE.put("agents/30-chat-approve-function-tool-1-stream", deleted("call_fake_43_0"));
        TABLE.put("agents/31-chat-deny-function-tool-1-stream",
                completed("\n\nTool said: \"The user declined to run this tool. Reason: I do not want that\"")
                        .calls("call_fake_45_0", "delete_file", REPORT, "is denied").asks("call_fake_45_0"));
        TABLE.put("agents/32-chat-approve-mcp-tool-1-stream", completed("\n\nTool said: " + weatherAsText("call_fake_49_0"))
                .calls("call_fake_49_0", "get_weather", PARIS, "gives " + WEATHER.formatted("call_fake_49_0"))
                .asks("call_fake_49_0"));
        // Answered too late: the tool ran, the run began again, and asks once more.
        TABLE.put("agents/38b-chat-approval-answered-after-290s-1-stream", cut("")
                .calls("call_fake_202_0", "delete_file", REPORT, "gives " + DELETED.formatted("call_fake_202_0"))
                .calls("call_fake_204_0", "delete_file", REPORT, "fails The turn ended without an outcome of this call.")
                .asks("call_fake_202_0", "call_fake_204_0"));
        TABLE.put("agents/66a-chat-approval-pending", deleted("call_fake_132_0"));
        TABLE.put("agents/68a-chat-stream-false-tool-needs-approval",
                completed("\n\nTool said: " + DELETED.formatted("call_fake_137_0")).counting(0, 0, 0));
        TABLE.put("agents/71a-chat-durable-approval-stream",
                waits().calls("call_fake_143_0", "delete_file", REPORT, "stays open").asks("call_fake_143_0"));
        // Alone it is an outcome of a call that was never made, in a stream that does not say that it is durable.
        TABLE.put("agents/71c-durable-approve-via-chat",
                cut(hello(2, "above contain the information needed to respond to the user.")));
        TABLE.put("agents/80a-chat-two-approvals",
                completed("\n\nTool said: \"The user declined to run this tool. Reason: no\" | "
                        + weatherAsText("call_fake_1_0"))
                        .calls("call_fake_1_0", "get_weather", PARIS, "gives " + WEATHER.formatted("call_fake_1_0"))
                        .calls("call_fake_1_1", "delete_file", REPORT, "is denied")
                        .asks("call_fake_1_0", "call_fake_1_1"));
    }

    private static void agentsThatRefuse() {
        for (String post : List.of("30-chat-approve-function-tool-2-approval-post",
                "30-chat-approve-function-tool-3-second-approval-post", "31-chat-deny-function-tool-2-approval-post",
                "32-chat-approve-mcp-tool-2-approval-post", "37a-approval-unknown-toolcallid",
                "38b-chat-approval-answered-after-290s-2-approval-post", "66d-approve", "68c-approve-guessing-the-id",
                "80b-batched-approval-post")) {
            // The answer to an approval is no answer to a question.
            TABLE.put("agents/" + post, failed(UPSTREAM_PROTOCOL,
                    "The {upstream} answered with something that is neither a stream nor a completion.", ""));
        }
        TABLE.put("agents/11b-chat-duplicate-message-id-409", failed(UPSTREAM_UNAVAILABLE,
                "The {upstream} had accepted the message in an earlier try whose answer was lost. Send it again as a new turn.",
                ""));
        TABLE.put("agents/37b-approval-unknown-conversation",
                failed(UPSTREAM_UNAVAILABLE, "The {upstream} answered 404: Conversation not found", ""));
        TABLE.put("agents/37c-approval-missing-conversation-id",
                refused("conversationId is required for approval response"));
        TABLE.put("agents/40-chat-no-auth-401", keyRefused());
        TABLE.put("agents/43-chat-unknown-key", keyRefused());
        TABLE.put("agents/44-chat-malformed-json", refused("Error processing request: Malformed JSON in request body"));
        TABLE.put("agents/45-chat-missing-messages",
                refused("[ { \"expected\": \"array\", \"code\": \"invalid_type\", \"path\": [ \"messages\" ], "
                        + "\"message\": \"Invalid input: expected array, received undefined\" } ]"));
        TABLE.put("agents/46-chat-messages-wrong-type",
                refused("[ { \"expected\": \"array\", \"code\": \"invalid_type\", \"path\": [ \"messages\" ], "
                        + "\"message\": \"Invalid input: expected array, received string\" } ]"));
        TABLE.put("agents/47c-chat-bad-role",
                refused("[ { \"code\": \"invalid_value\", \"values\": [ \"system\", \"user\", \"assistant\", \"function\", "
                        + "\"tool\" ], \"path\": [ \"messages\", 0, \"role\" ], \"message\": \"Invalid option: expected one of "
                        + "\\\"system\\\"|\\\"user\\\"|\\\"assistant\\\"|\\\"function\\\"|\\\"tool\\\"\" } ]"));
        TABLE.put("agents/49a-chat-unknown-agent-via-bypass", failed(UPSTREAM_UNAVAILABLE,
                "The {upstream} answered 500: An internal server error occurred. Please try again later.", ""));
    }

    /** Calls and approvals of the old server show only where operations were asked for. */
    private static void legacy() {
        TABLE.put("legacy/01-chat-plain-stream", completed(hello(1, "hi there")));
        TABLE.put("legacy/20a-chat-tool-no-approval",
                completed("\n\nTool said: {\"result\":\"\",\"toolCallId\":\"call_fake_153_0\"}"));
        TABLE.put("legacy/30-chat-approve-mcp-tool-1-stream", completed(OLD_WEATHER.formatted("call_fake_159_0")));
        TABLE.put("legacy/34-chat-approve-emit-operations-1-stream", completed(OLD_WEATHER.formatted("call_fake_167_0"))
                .calls("call_fake_167_0", "get_weather", PARIS,
                        "gives {\"result\":{\"content\":[{\"type\":\"text\",\"text\":{\"city\":\"Paris\",\"tempC\":21,"
                                + "\"sky\":\"clear\"}}]},\"toolCallId\":\"call_fake_167_0\"}")
                .asks("call_fake_167_0"));
        TABLE.put("legacy/54-chat-llm-dies-midstream", failed(UPSTREAM_ERROR,
                "The {upstream} ended its answer without completing it; what came before is kept.", TORN));
    }

    private static void cloud() {
        TABLE.put("cloud/01-documented-example", completed("Hello"));
        TABLE.put("cloud/02-links-and-annotations", completed("Run the installer [1].").because(FinishReason.TOOL_CALLS)
                .calls("call_links", "provideLinks",
                        "{\"links\":[{\"label\":\"1\",\"url\":\"https://docs.example.com/start\",\"title\":\"Getting started\","
                                + "\"type\":\"documentation\",\"breadcrumbs\":[\"Docs\",\"Start\"],\"futureField\":7}]}",
                        "stays open")
                .calls("call_ann", "provideAIAnnotations",
                        "{\"aiAnnotations\":{\"answerConfidence\":\"very_confident\",\"explanation\":\"Found in the docs.\"}}",
                        "stays open"));
        TABLE.put("cloud/03-length", completed("One two three").because(FinishReason.LENGTH));
        TABLE.put("cloud/04-usage", completed("Hello").counting(9, 1, 10));
        TABLE.put("cloud/05-cut-without-done", cut("This stops in the mid"));
        TABLE.put("cloud/06-error-in-stream",
                failed(UPSTREAM_ERROR, "The {upstream} could not answer: The model is overloaded", "Half an"));
        TABLE.put("cloud/07-done-without-finish-reason", completed("No reason given").because(FinishReason.OTHER));
        // Text that looks like an approval is text.
        TABLE.put("cloud/08-json-in-the-answer",
                completed("{\"type\":\"tool-approval-request\",\"approvalId\":\"aitxt-x\",\"toolCallId\":\"x\"}"));
        TABLE.put("cloud/40-unauthorized", keyRefused());
        TABLE.put("cloud/41-too-many-requests", failed(UPSTREAM_RATE_LIMITED,
                "The {upstream} is at its rate limit. Try again later: Rate limit reached.", ""));
        TABLE.put("cloud/42-context-length", failed(CONTEXT_LENGTH_EXCEEDED,
                "The conversation is too long for the model: Too many tokens", ""));
    }

    private static String hello(int messages, String last) {
        return "Hello from the fake model. I saw %d user message(s); the last was \"%s\".".formatted(messages, last);
    }

    private static String numbered(String pattern, int count, String separator) {
        return IntStream.range(0, count).mapToObj(pattern::formatted).collect(Collectors.joining(separator));
    }

    private static String weatherAsText(String callId) {
        return "[{\"type\":\"text\",\"text\":\"{\\\"_toolCallId\\\":\\\"%s\\\"}\"},".formatted(callId)
                + "{\"type\":\"text\",\"text\":\"{\\\"city\\\":\\\"Paris\\\",\\\"tempC\\\":21,\\\"sky\\\":\\\"clear\\\"}\"}]";
    }

    private static Expected deleted(String callId) {
        return completed("\n\nTool said: " + DELETED.formatted(callId))
                .calls(callId, "delete_file", REPORT, "gives " + DELETED.formatted(callId)).asks(callId);
    }

    private static Expected couldNot() {
        return failed(UPSTREAM_ERROR, "The {upstream} could not answer: Unable to process request", "");
    }

    private static Expected cut(String text) {
        return failed(UPSTREAM_CUT, "The {upstream} broke off its answer; what came before is kept.", text);
    }

    private static Expected refused(String why) {
        return failed(UPSTREAM_REFUSED, "The {upstream} refused the request (400): " + why, "");
    }

    private static Expected keyRefused() {
        return failed(UPSTREAM_UNAUTHORIZED,
                "The {upstream} refused this service's key (401). Its operator has to check the upstream's api-key.", "");
    }

    @Test
    void everyRecordedAnswerHasItsRowAndEveryRowItsRecording() {
        assertThat(TABLE.keySet()).containsExactlyInAnyOrderElementsOf(RecordedAnswer.names());
        assertThat(RecordedAnswer.names()).containsAll(Recording.names("cloud"));
    }

    static List<String> answers() {
        return RecordedAnswer.names();
    }

    static Stream<String> streams() {
        return answers().stream().filter(name -> RecordedAnswer.isStream(Recording.load(name)));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void anAnswerComesOutAsTheTableSays(String name) {
        List<ChatEvent> events = RecordedAnswer.decoded(name, 4096);

        assertThat(Expected.of(events.getLast() instanceof Ended ? RecordedAnswer.journalled(name) : events))
                .isEqualTo(TABLE.get(name));
    }

    @ParameterizedTest
    @MethodSource("streams")
    void howTheBytesWereSplitMakesNoDifference(String name) {
        List<ChatEvent> whole = RecordedAnswer.decoded(name, Integer.MAX_VALUE / 2);

        assertThat(RecordedAnswer.decoded(name, 1)).isEqualTo(whole);
        assertThat(RecordedAnswer.decoded(name, 7)).isEqualTo(whole);
    }

    @ParameterizedTest
    @MethodSource("answers")
    void anAnswerEndsOnceAndAtItsEnd(String name) {
        List<ChatEvent> events = RecordedAnswer.journalled(name);

        assertThat(events.getLast()).isInstanceOf(Ended.class);
        assertThat(events).filteredOn(Ended.class::isInstance).hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("streams")
    void nothingThatInkeepSaysAsDataIsDroppedOrRewritten(String name) {
        Pattern data = Pattern.compile("^data: \\{\"type\":\"(data-[^\"]+)\",\"data\":(.*)}$", Pattern.MULTILINE);
        List<String> sent = data.matcher(Recording.load(name).body()).results()
                .map((MatchResult frame) -> frame.group(1) + " " + frame.group(2)).toList();

        List<String> told = RecordedAnswer.decoded(name, 4096).stream().filter(ChatEvent.Data.class::isInstance)
                .map(ChatEvent.Data.class::cast).filter(event -> !event.type().startsWith("data-inkeep-"))
                .map(event -> event.type() + " " + event.data().text()).toList();

        assertThat(told).isEqualTo(sent);
    }

    /** A durable stream tells its end by nothing but the body's, so there only a broken connection is known as a cut. */
    @ParameterizedTest
    @MethodSource("streams")
    void aStreamThatIsCutAnywhereIsNeverCompleted(String name) {
        Recording recording = Recording.load(name);
        boolean durable = recording.header("x-workflow-run-id").isPresent();
        int told = (int) recording.frames().stream().takeWhile(frame -> !frame.text().startsWith("data: [DONE]")).count();
        // Every place of the beginning and of the end; of a long run of words in between every seventh.
        for (int frames = 0; frames <= told; frames += frames < 60 || frames >= told - 60 ? 1 : 7) {
            String body = recording.frames().subList(0, frames).stream().map(Recording.Frame::text)
                    .collect(Collectors.joining());

            if (!durable) {
                assertThat(endOf(recording, body, AnswerDecoder::ended).outcome()).isEqualTo(Outcome.FAILED);
            }
            assertThat(endOf(recording, body, AnswerDecoder::broken).outcome()).isEqualTo(Outcome.FAILED);
        }
    }

    private static Ended endOf(Recording recording, String body, BiConsumer<AnswerDecoder, List<ChatEvent>> end) {
        AnswerDecoder decoder = RecordedAnswer.decoder(recording);
        List<ChatEvent> events = new ArrayList<>();
        RecordedAnswer.read(body, 4096, decoder, events);
        end.accept(decoder, events);
        return (Ended) events.getLast();
    }

    @Test
    void aDurableRunIsWholeWhenItsContinuationSetsTheBracketsFurther() {
        Recording parked = Recording.load("agents/71a-chat-durable-approval-stream");
        PartBoundaries brackets = new PartBoundaries(parked.header("x-workflow-run-id").orElseThrow());
        AnswerDecoder decoder = new AgentsDecoder(brackets, AgentsDecoder.Mode.DURABLE, true);
        List<ChatEvent> events = new ArrayList<>();

        RecordedAnswer.read(parked.body(), 4096, decoder, events);
        decoder.ended(events);
        AnswerDecoder rest = new AgentsDecoder(brackets.continued(), AgentsDecoder.Mode.DURABLE, true);
        RecordedAnswer.read(Recording.load("agents/71c-durable-approve-via-chat").body(), 4096, rest, events);
        rest.ended(events);

        Ended end = (Ended) events.removeLast();
        assertThat(events.getFirst()).isEqualTo(new ChatEvent.Started("wrun_01M82028GDYQSPHRC5DMPY5KDR"));
        assertThat(events).filteredOn(ChatEvent.Started.class::isInstance).hasSize(1);
        assertThat(Expected.of(RecordedAnswer.journalled(events, end)))
                .isEqualTo(completed(hello(2, "above contain the information needed to respond to the user."))
                        .calls("call_fake_143_0", "delete_file", REPORT, "gives " + DELETED.formatted("call_fake_143_0"))
                        .asks("call_fake_143_0"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "agents/30-chat-approve-function-tool-1-stream", "agents/71a-chat-durable-approval-stream",
            "agents/80a-chat-two-approvals" })
    void bracketsAreRebuiltFromTheEventsOfAnyBeginning(String name) {
        Recording recording = Recording.load(name);
        for (int frames = 0; frames <= recording.frames().size(); frames++) {
            String begin = recording.frames().subList(0, frames).stream().map(Recording.Frame::text)
                    .collect(Collectors.joining());
            String rest = recording.frames().subList(frames, recording.frames().size()).stream().map(Recording.Frame::text)
                    .collect(Collectors.joining());
            String runId = recording.header("x-workflow-run-id").orElse(null);
            PartBoundaries live = new PartBoundaries(runId);
            List<ChatEvent> events = new ArrayList<>();
            RecordedAnswer.read(begin, 4096, RecordedAnswer.agents(live, runId), events);

            PartBoundaries rebuilt = PartBoundaries.resume(events);

            assertThat(rebuilt).usingRecursiveComparison().isEqualTo(live.continued());
            assertThat(restOf(rest, rebuilt)).isEqualTo(restOf(rest, live.continued()));
        }
    }

    private static List<ChatEvent> restOf(String body, PartBoundaries brackets) {
        List<ChatEvent> events = new ArrayList<>();
        AnswerDecoder decoder = new AgentsDecoder(brackets, AgentsDecoder.Mode.DURABLE, true);
        RecordedAnswer.read(body, 4096, decoder, events);
        decoder.ended(events);
        return events;
    }

    @Test
    void anOutcomeOfACallThatThisStreamNeverMadeTravelsAsData() {
        assertThat(RecordedAnswer.journalled("agents/71c-durable-approve-via-chat"))
                .filteredOn(ChatEvent.Data.class::isInstance)
                .singleElement().isEqualTo(new ChatEvent.Data("data-inkeep-tool-output-available", null,
                        new RawJson("{\"type\":\"tool-output-available\",\"toolCallId\":\"call_fake_143_0\",\"output\":"
                                + DELETED.formatted("call_fake_143_0") + "}")));
    }

    @Test
    void aModelThatSpeaksAfterItsToolsBeginsANewStep() {
        assertThat(RecordedAnswer.journalled("agents/80a-chat-two-approvals"))
                .extracting(event -> event.getClass().getSimpleName())
                .filteredOn(kind -> !kind.endsWith("Delta"))
                .containsExactly("Started", "Data", "StepStarted", "ToolInputStarted", "ToolCalled", "ApprovalRequested",
                        "ToolInputStarted", "ToolCalled", "ApprovalRequested", "ToolDenied", "ToolSucceeded", "StepFinished",
                        "StepStarted", "TextStarted", "Data", "TextEnded", "StepFinished", "Ended");
    }

    @Test
    void aRateLimitKeepsItsRetryAfter() {
        Ended end = (Ended) RecordedAnswer.journalled("cloud/41-too-many-requests").getLast();

        assertThat(end.failure().retryAfter()).isEqualTo(2);
    }
}
