package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.support.ApprovalSteps;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.inkeep.RecordedInkeep;
import io.chatrelay.support.inkeep.RecordedInkeep.Asked;
import io.chatrelay.support.inkeep.RecordedInkeep.Play;
import io.chatrelay.support.sse.SseEvent;

/** What tests have at hand in which recorded servers are the upstreams, and what a caller sees on each wire. */
abstract class RecordedTurns extends ServiceTest {

    static final String DECIDE = "/run/api/tool-approvals";
    static final String INBOX = "/run/v1/tool-approvals";

    /** A call that is approved: the stream, the decision, the call's id, and what the ledger tells of it. */
    static final String APPROVED = "agents/30-chat-approve-function-tool-1-stream";
    static final String APPROVE = "agents/30-chat-approve-function-tool-2-approval-post";
    static final String DELETE = "call_fake_43_0";
    static final String[] EXECUTED = { "proposed", "approved", "sent", "acknowledged", "delivered", "executed" };

    /** Frames that OpenAI's wire does not have. */
    private static final Set<String> BRACKETS = Set.of("start-step", "finish-step", "text-start", "text-end",
            "tool-input-start",
            "tool-input-delta");

    final RecordedInkeep inkeep = RecordedInkeep.INSTANCE;

    @AfterEach
    void nothingElseWasAsked() {
        assertThat(inkeep.unforeseen()).as("what was asked and is in no recording").isEmpty();
    }

    static String streamOf(String conversation) {
        return CONVERSATIONS + "/" + conversation + "/stream";
    }

    /** A turn that is read on both wires from its first event. */
    record Watched(String conversation, Sse ui, Sse openAi) {

        Watched untilAsked(int count) {
            await("%d requests for approval".formatted(count)).atMost(Duration.ofSeconds(20))
                    .until(() -> Stream.of(ui, openAi).allMatch(wire -> lines(wire, "asks ").size() >= count || wire.over()));
            assertThat(lines(ui, "asks ")).as(ui.text()).hasSizeGreaterThanOrEqualTo(count);
            return this;
        }

        Watched toEnd() {
            ui.toEnd();
            openAi.toEnd();
            return this;
        }

        private static List<String> lines(Sse wire, String beginning) {
            return shown(partsOf(wire)).stream().filter(line -> line.startsWith(beginning)).toList();
        }

        /** Whole on both wires, every event numbered once, and both say what the recording says, decisions of ours beside. */
        void assertTells(Play play, String... decisions) {
            assertTells(shown(play.parts()), decisions);
            assertThat(ui.done()).as(ui.text()).isTrue();
            assertThat(openAi.done()).as(openAi.text()).isTrue();
        }

        void assertTells(List<String> recorded, String... decisions) {
            for (Sse wire : List.of(ui, openAi)) {
                List<String> shown = shown(partsOf(wire));
                assertThat(shown.stream().filter(line -> !line.startsWith("decided "))).as(wire.text())
                        .containsExactlyElementsOf(recorded);
                assertThat(shown.stream().filter(line -> line.startsWith("decided "))).as(wire.text())
                        .containsExactlyInAnyOrder(decisions);
                for (String decision : decisions) {
                    String call = decision.split(" ")[1];
                    assertThat(shown.stream().filter(line -> line.split(" ")[1].equals(call))
                            .map(line -> line.substring(0, line.indexOf(' ')))).as(wire.text())
                            .startsWith("call", "asks", "decided").hasSizeLessThanOrEqualTo(4);
                }
                assertThat(wire.broken()).isFalse();
            }
            assertNumbered();
        }

        /** 1 … n without a gap, and the same numbers for the same things. */
        void assertNumbered() {
            assertThat(ui.ids()).as(ui.text()).isEqualTo(LongStream.rangeClosed(1, ui.ids().size()).boxed().toList());
            assertThat(openAi.ids()).as(openAi.text()).containsExactlyElementsOf(ui.numbered().stream()
                    .filter(event -> !BRACKETS.contains(event.type())).map(SseEvent::number).toList());
        }
    }

    /** Asks on one wire, and reads on the other too. */
    Watched ask(String path, String upstream, String text) {
        String id = newId();
        Sse asked = relay().send(path, Json.ask(id, text).put("model", upstream).put("stream", true));
        assertThat(asked.status()).isEqualTo(200);
        Sse other = relay().read(streamOf(id) + (path.equals(CHAT) ? "?wire=openai" : ""));
        return path.equals(CHAT) ? new Watched(id, asked, other) : new Watched(id, other, asked);
    }

    /** The question of a recording. */
    static String textOf(String recording) {
        return Json.read(Recording.load(recording).requestBody().orElseThrow()).at("/messages/0/content").asText();
    }

    static ObjectNode decision(String conversation, String call, boolean approved, String reason) {
        return Json.of("{}").put("approved", approved).put("conversationId", conversation).put("toolCallId", call)
                .put("reason", reason);
    }

    Relay.Answer decide(String conversation, String call, boolean approved, String reason) {
        return relay().post(DECIDE, decision(conversation, call, approved, reason));
    }

    void assertDecided(String conversation, String call, boolean approved, String reason) {
        Relay.Answer answer = decide(conversation, call, approved, reason);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().path("success").asBoolean()).isTrue();
    }

    /** The recorded request was sent, to its path and with its body, in the conversation that Inkeep was given. */
    static void assertAsRecorded(Asked asked, Play play, String recording) {
        assertThat(asked.method()).isEqualTo("POST");
        assertThat(asked.path()).isEqualTo(path(recording));
        assertThat(asked.body()).isEqualTo(recordedIn(play, recording));
    }

    static ObjectNode recordedIn(Play play, String recording) {
        return ((ObjectNode) Json.read(Recording.load(recording).requestBody().orElseThrow())).put("conversationId",
                play.question().conversation());
    }

    private static String path(String recording) {
        try (InputStream request = RecordedTurns.class.getResourceAsStream("/emulator/" + recording + ".request.txt")) {
            String line = new String(request.readAllBytes(), StandardCharsets.UTF_8);
            return URI.create(line.substring(line.indexOf("http://")).split(" ")[0]).getPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The ledger's entry on a call, with its history. */
    JsonNode entry(String conversation, String call) {
        for (JsonNode entry : relay().get(INBOX + "?conversationId=" + conversation).json().path("data")) {
            if (entry.path("toolCallId").asText().equals(call)) {
                return relay().get(INBOX + "/" + entry.path("id").asText()).json();
            }
        }
        throw new AssertionError("not in the ledger: " + call);
    }

    /** What is acknowledged is written beside the stream, so it is waited for. */
    JsonNode assertHistory(String conversation, String call, String... states) {
        await().atMost(Duration.ofSeconds(20)).untilAsserted(
                () -> ApprovalSteps.assertAre(Json.each(entry(conversation, call).path("history"), "/state"), states));
        JsonNode entry = entry(conversation, call);
        List<Instant> times = new ArrayList<>();
        entry.path("history").forEach(step -> times.add(Instant.parse(step.path("at").asText())));
        assertThat(times).as(entry.toString()).isSorted();
        return entry;
    }

    /** The AI SDK's parts that a stream tells, on either wire. */
    static List<JsonNode> partsOf(Sse wire) {
        List<JsonNode> parts = new ArrayList<>();
        for (SseEvent event : wire.events()) {
            if (!event.data().startsWith("{")) {
                continue;
            }
            JsonNode json = event.json();
            if (!json.has("choices")) {
                parts.add(json);
                continue;
            }
            JsonNode delta = json.at("/choices/0/delta");
            if (delta.has("content")) {
                parts.add(Json.of("{'type':'text-delta'}").put("delta", delta.path("content").asText()));
            }
            delta.path("tool_calls").forEach(call -> {
                ObjectNode part = Json.of("{'type':'tool-input-available'}").put("toolCallId", call.path("id").asText())
                        .put("toolName", call.at("/function/name").asText());
                parts.add(part.set("input", Json.read(call.at("/function/arguments").asText())));
            });
            json.at("/chat_relay/parts").forEach(parts::add);
        }
        return parts;
    }

    /** What a user sees of parts, a line each; texts that follow one another are one. An old release's operations are read as parts. */
    static List<String> shown(List<JsonNode> parts) {
        List<String> lines = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (JsonNode part : parts) {
            List<String> more = seen(part);
            if (part.path("type").asText().equals("text-delta")) {
                text.append(part.path("delta").asText());
            } else if (!more.isEmpty() && !text.isEmpty()) {
                lines.add("text " + text);
                text.setLength(0);
            }
            lines.addAll(more);
        }
        if (!text.isEmpty()) {
            lines.add("text " + text);
        }
        return lines;
    }

    private static List<String> seen(JsonNode part) {
        String type = part.path("type").asText();
        String call = part.path("toolCallId").asText();
        JsonNode old = part.at("/data/details/data");
        return switch (type) {
            case "tool-input-available" ->
                    List.of("call %s %s %s".formatted(call, part.path("toolName").asText(), part.path("input")));
            case "tool-approval-request" -> List.of("asks %s %s".formatted(call, part.path("approvalId").asText()));
            case "tool-output-available" -> List.of("executed %s %s".formatted(call, part.path("output")));
            case "tool-output-error" -> List.of("failed %s %s".formatted(call, part.path("errorText").asText()));
            case "tool-output-denied" -> List.of("denied " + call);
            case "data-tool-approval" -> List.of("decided %s %s %s".formatted(part.at("/data/toolCallId").asText(),
                    part.at("/data/state").asText(), part.at("/data/reason").asText("")).strip());
            case "data-operation" -> switch (part.at("/data/type").asText()) {
                case "tool_call" -> List.of(
                        "call %s %s %s".formatted(old.path("toolCallId").asText(), old.path("toolName").asText(),
                                old.path("input")),
                        "asks %s aitxt-%s".formatted(old.path("toolCallId").asText(), old.path("toolCallId").asText()));
                case "tool_result" -> List.of("executed %s %s".formatted(old.path("toolCallId").asText(), old.path("output")));
                default -> List.of();
            };
            default -> List.of();
        };
    }
}
