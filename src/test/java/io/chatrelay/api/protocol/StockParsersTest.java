package io.chatrelay.api.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.api.aisdk.AiSdkFrameWriter;
import io.chatrelay.api.openai.OpenAiFrameWriter;
import io.chatrelay.api.protocol.Frame.Answer;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Transcript;

/** Every emitted stream, read by the packages that callers use: what they cannot read, nobody can. */
class StockParsersTest {

    private static final String REQUIRED = "CHAT_RELAY_REQUIRE_NODE";
    private static final Path SCRIPTS = Path.of("src", "test", "node").toAbsolutePath();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    @BeforeEach
    void needsNode() {
        boolean node = Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(path -> Files.isExecutable(Path.of(path, "node")) || Files.isExecutable(Path.of(path, "node.exe")));
        boolean packages = Files.isDirectory(SCRIPTS.resolve("node_modules"));
        if (node && packages) {
            return;
        }
        String missing = node ? "The packages are missing: run `npm ci` in src/test/node." : "There is no `node` on the PATH.";
        if ("true".equals(System.getenv(REQUIRED))) {
            fail(missing + " " + REQUIRED + "=true asks for it.");
        }
        abort(missing + " The stock parsers are not tested; " + REQUIRED + "=true makes this a failure.");
    }

    @Test
    void everyAiSdkReadsWhatWasSaid() throws Exception {
        List<Answer> answers = Frame.answers();

        JsonNode read = read("parse-ui.mjs", answers, new AiSdkFrameWriter(Frame.TURN));

        for (int i = 0; i < answers.size(); i++) {
            Answer answer = answers.get(i);
            JsonNode versions = read.get(i + ".sse");
            assertThat(versions.properties()).hasSizeGreaterThan(1);
            versions.properties().forEach(version -> {
                JsonNode seen = version.getValue();
                assertThat(seen.get("parseErrors")).as("%s in %s", answer, version.getKey()).isEmpty();
                assertThat(seenBy(seen)).as("%s in %s", answer, version.getKey()).isEqualTo(saidIn(answer));
            });
        }
    }

    /** What a user of {@code useChat} has in the end. */
    private record Ui(String text, List<String> tools, String error, String finishReason, boolean aborted, boolean done) {}

    private static Ui seenBy(JsonNode seen) {
        StringBuilder text = new StringBuilder();
        List<String> tools = new ArrayList<>();
        for (JsonNode part : seen.get("message").path("parts")) {
            String type = part.get("type").textValue();
            if (type.equals("text")) {
                text.append(part.get("text").textValue());
            } else if (type.startsWith("tool-")) {
                tools.add(type + " " + part.get("toolCallId").textValue() + " " + part.get("state").textValue());
            }
        }
        return new Ui(text.toString(), tools, seen.get("error").textValue(), seen.get("finishReason").textValue(),
                seen.get("aborted").booleanValue(), seen.get("done").booleanValue());
    }

    private static Ui saidIn(Answer answer) {
        boolean completed = answer.end().outcome() == Outcome.COMPLETED;
        return new Ui(transcript(answer).text(), toolsOf(answer),
                answer.end().failure() == null ? null : answer.end().failure().message(),
                completed ? answer.end().finishReason().wireName() : null, answer.end().outcome() == Outcome.CANCELLED,
                completed);
    }

    private static List<String> toolsOf(Answer answer) {
        List<String> ids = new ArrayList<>();
        List<String> states = new ArrayList<>();
        for (ChatEvent event : answer.events()) {
            switch (event) {
                case ChatEvent.ToolInputStarted(var call, var name) ->
                        set(ids, states, call.id(), "tool-" + name, "input-streaming");
                case ChatEvent.ToolCalled(var call, var name, _, _) ->
                        set(ids, states, call.id(), "tool-" + name, "input-available");
                case ChatEvent.ApprovalRequested(_, var id, _) -> set(ids, states, id, null, "approval-requested");
                case ChatEvent.ToolSucceeded(var id, _) -> set(ids, states, id, null, "output-available");
                case ChatEvent.ToolInputFailed(var call, _, _, _) -> set(ids, states, call.id(), null, "output-error");
                case ChatEvent.ToolFailed(var id, _) -> set(ids, states, id, null, "output-error");
                case ChatEvent.ToolDenied(var id) -> set(ids, states, id, null, "output-denied");
                case ChatEvent _ -> {
                    // is not a tool's
                }
            }
        }
        return states;
    }

    private static void set(List<String> ids, List<String> states, String id, String type, String state) {
        int at = ids.indexOf(id);
        if (at < 0) {
            ids.add(id);
            states.add(type + " " + id + " " + state);
        } else {
            states.set(at, states.get(at).substring(0, states.get(at).lastIndexOf(' ') + 1) + state);
        }
    }

    @Test
    void theOpenAiSdkReadsWhatWasSaid() throws Exception {
        List<Answer> answers = Frame.answers();

        JsonNode read = read("parse-openai.mjs", answers, new OpenAiFrameWriter(Frame.TURN, true));

        for (int i = 0; i < answers.size(); i++) {
            Answer answer = answers.get(i);
            JsonNode seen = read.get(i + ".sse");
            Transcript transcript = transcript(answer);
            boolean completed = answer.end().outcome() == Outcome.COMPLETED;
            assertThat(seen.get("text").textValue()).as("%s", answer).isEqualTo(transcript.text());
            assertThat(StreamSupport.stream(seen.get("toolCalls").spliterator(), false).map(call -> "%s %s %s".formatted(
                    call.get("id").textValue(), call.at("/function/name").textValue(),
                    call.at("/function/arguments").textValue())))
                    .as("%s", answer)
                    .containsExactlyElementsOf(transcript.calls().stream().filter(ChatEvent.ToolCalled::callerRuns)
                            .map(call -> "%s %s %s".formatted(call.callId(), call.toolName(), call.input().text())).toList());
            assertThat(seen.get("error").isNull()).as("%s: %s", answer, seen.get("error")).isEqualTo(completed);
            assertThat(seen.get("accumulationError").isNull()).as("%s: %s", answer, seen.get("accumulationError"))
                    .isEqualTo(completed);
            assertThat(seen.get("done").booleanValue()).as("%s", answer).isEqualTo(completed);
            assertThat(seen.get("finishReason").textValue()).as("%s", answer)
                    .isEqualTo(completed ? Completion.finishReason(answer.end().finishReason()) : null);
            assertThat(seen.get("usage").path("total_tokens").asLong()).as("%s", answer)
                    .isEqualTo(answer.end().usage() == null ? 0 : answer.end().usage().totalTokens());
            if (!completed) {
                assertThat(seen.at("/error/message").textValue()).as("%s", answer).isEqualTo(
                        answer.end().failure() == null ? "The turn was cancelled." : answer.end().failure().message());
            }
        }
    }

    private static Transcript transcript(Answer answer) {
        Transcript transcript = new Transcript();
        answer.events().forEach(transcript::apply);
        return transcript;
    }

    /** One process for all: to start one is what takes the time. */
    private JsonNode read(String script, List<Answer> answers, FrameWriter wire) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("node", script, "--max-ms", "110000"));
        for (int i = 0; i < answers.size(); i++) {
            command.add(Files.write(directory.resolve(i + ".sse"), Frame.render(wire, answers.get(i).events())).toString());
        }
        Path out = directory.resolve("out.json");
        Path err = directory.resolve("err.txt");
        Process node = new ProcessBuilder(command).directory(SCRIPTS.toFile()).redirectOutput(out.toFile())
                .redirectError(err.toFile()).start();
        try {
            assertThat(node.waitFor(120, TimeUnit.SECONDS)).as("%s ends", script).isTrue();
        } finally {
            node.destroyForcibly();
        }
        assertThat(node.exitValue()).as(() -> text(err)).isZero();
        return JSON.readTree(out.toFile());
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
