package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.FastHeartbeat;
import io.chatrelay.support.Json;
import io.chatrelay.support.RawAnswer;
import io.chatrelay.support.Sse;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.clients.Python;
import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.SseParser;
import io.chatrelay.support.sse.SseReader;
import io.chatrelay.support.sse.SseReader.Event;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;

import dev.langchain4j.http.client.sse.DefaultServerSentEventParser;
import dev.langchain4j.http.client.sse.ServerSentEvent;
import dev.langchain4j.http.client.sse.ServerSentEventListener;

/**
 * Every kind of stream, read from the same bytes by every kind of reader: all see the same events. Nothing that the service adds, a
 * heartbeat, a comment, {@code retry:}, is an event to any of them.
 */
@QuarkusTest
@TestProfile(FastHeartbeat.class)
class ReaderMatrixTest extends ApprovalsTest {

    private static final String KEEP_ALIVE = ": keep-alive";

    /** Recorded once: what each stream is called, and its bytes. */
    private static final Map<String, RawAnswer> RECORDED = new LinkedHashMap<>();

    @TempDir
    private Path directory;

    @BeforeEach
    void record() {
        if (RECORDED.isEmpty()) {
            Map<String, RawAnswer> begun = new LinkedHashMap<>();
            for (String path : List.of(CHAT, COMPLETIONS)) {
                plain(path, begun);
                begun.put("cancelled" + path, cancelled(path));
                begun.put("taken up" + path, takenUp(path));
                begun.put("cut" + path, cut(path));
                begun.put("approved" + path, decided(path, true));
                begun.put("denied" + path, decided(path, false));
            }
            paused(begun);
            begun.values().forEach(RawAnswer::toEnd);
            RECORDED.putAll(begun);
        }
    }

    private void plain(String path, Map<String, RawAnswer> begun) {
        for (String model : List.of("agents", "cloud")) {
            for (String text : List.of("echo one two", "silence 2500", "late 2500", "eof 3", "error", "crlf")) {
                begun.put(text + " of " + model + path, ask(path, model, newId(), text));
            }
        }
        begun.put("tool" + path, ask(path, "agents", newId(), "use tool get_time"));
        begun.put("tool that fails" + path, ask(path, "agents", newId(), "use tool boom"));
        begun.put("links" + path, ask(path, "cloud", newId(), "links"));
        begun.put("usage" + path, ask(path, "cloud", newId(), "usage"));
    }

    private RawAnswer ask(String path, String model, String conversation, String text) {
        ObjectNode body = Json.ask(conversation, text).put("model", model).put("stream", true);
        if (path.equals(COMPLETIONS)) {
            body.putObject("stream_options").put("include_usage", true);
        }
        return relay().raw(path, body);
    }

    private RawAnswer decided(String path, boolean approved) {
        String id = newId();
        RawAnswer answer = ask(path, "agents", id, ONE).until("tool-approval-request", 1).until(KEEP_ALIVE, 3);
        assertThat(relay().post(DECIDE, waitingIn(id).decision(0, approved)).status()).isEqualTo(200);
        return answer;
    }

    private RawAnswer cancelled(String path) {
        String id = newId();
        RawAnswer answer = ask(path, "agents", id, "slow 400").until("word0", 1);
        relay().post(CONVERSATIONS + "/" + id + "/cancel", Json.of("{}"));
        return answer;
    }

    private RawAnswer takenUp(String path) {
        String id = newId();
        relay().send(CHAT, Json.ask(id, "slow 40")).untilText().close();
        return relay().raw(streamOf(id) + "?after=2" + wire(path));
    }

    /** A turn whose last event cannot be read: its readers are sent away. */
    private RawAnswer cut(String path) {
        Sse turn = relay().send(CHAT, Json.ask(newId(), "echo one two")).toEnd();
        execute("""
                update turn_event set events = convert_to(regexp_replace(convert_from(events, 'UTF8'), '[^\\n]*$', '{'), 'UTF8')
                where turn_id = ?::uuid and last = (select max(last) from turn_event where turn_id = ?::uuid)""",
                turn.turn(), turn.turn());
        return relay().raw(streamOf(turn.conversation()) + "?after=1&turn=" + turn.turn() + wire(path));
    }

    private static String wire(String path) {
        return path.equals(CHAT) ? "" : "&wire=openai";
    }

    /** The stream that stops at an approval, and the one that goes on behind it. */
    private void paused(Map<String, RawAnswer> begun) {
        String id = newId();
        begun.put("paused" + CHAT, relay().raw(CHAT, useChat(id, ONE)).toEnd());
        Sse seen = relay().read(streamOf(id) + "?after=0&approvals=wait").until(7);
        begun.put("going on" + CHAT, relay().raw(CHAT, answering(id, true, null, seen)));
        seen.close();
    }

    @Test
    void theStreamsAreWhatTheyAreCalled() {
        assertThat(RECORDED).allSatisfy((name, answer) -> {
            boolean openAi = name.endsWith(COMPLETIONS);
            boolean failed = name.startsWith("eof") || name.startsWith("error");
            boolean over = failed || name.startsWith("cancelled");
            assertThat(answer.broken()).as(answer.text()).isEqualTo(over && openAi || name.startsWith("cut/"));
            assertThat(answer.text().contains("data: [DONE]")).as(answer.text())
                    .isEqualTo(!over && !name.startsWith("cut/"));
            assertThat(answer.text().contains("retry: ")).as(answer.text()).isEqualTo(name.startsWith("cut/"));
            assertThat(answer.text().startsWith(": turn ")).as(answer.text()).isEqualTo(!openAi);
            if (failed) {
                assertThat(answer.text()).contains(openAi ? "data: {\"error\":{\"message\"" : "data: {\"type\":\"error\"");
            }
            if (name.startsWith("silence") || name.startsWith("late") || name.startsWith("approved")
                    || name.startsWith("denied")) {
                assertThat(answer.text().split(KEEP_ALIVE, -1)).as(answer.text()).hasSizeGreaterThan(2);
            }
        });
    }

    @ParameterizedTest
    @EnumSource(SseReader.class)
    void everyKindOfReaderSeesTheSame(SseReader reader) {
        assertThat(RECORDED).allSatisfy((name, answer) -> {
            List<Event> seen = reader.read(answer.bytes());
            assertThat(seen).extracting(Event::data).as(answer.text()).isEqualTo(dataOf(answer)).doesNotContain("");
        });
    }

    /** An id that a reader has stays with what follows, or belongs to its own event; it is never another one's. */
    @Test
    void thoseThatKeepIdsKeepTheSame() {
        assertThat(RECORDED).allSatisfy((name, answer) -> {
            List<Event> kept = SseReader.SPEC.read(answer.bytes());
            assertThat(SseReader.STICKY.read(answer.bytes())).isEqualTo(kept);
            List<Event> own = SseReader.BLANK_LINES.read(answer.bytes());
            for (int i = 0; i < own.size(); i++) {
                assertThat(own.get(i).id()).isIn(kept.get(i).id(), "");
            }
        });
    }

    @Test
    void langChain4jSeesTheSame() {
        assertThat(RECORDED).allSatisfy((name, answer) -> {
            List<String> seen = new ArrayList<>();
            new DefaultServerSentEventParser().parse(new ByteArrayInputStream(answer.bytes()), new ServerSentEventListener() {
                @Override
                public void onEvent(ServerSentEvent event) {
                    seen.add(event.data());
                }

                @Override
                public void onError(Throwable failure) {
                    throw new AssertionError(failure);
                }
            });
            assertThat(seen).isEqualTo(dataOf(answer));
        });
    }

    @Test
    void theReadersOfNodesPackagesSeeTheSame() throws IOException {
        assertNodeSees("ui", CHAT);
        assertNodeSees("openai", COMPLETIONS);
    }

    @Test
    void thePythonSdkSeesTheSame() throws IOException {
        List<String> files = new ArrayList<>();
        for (RawAnswer answer : RECORDED.values()) {
            files.add(Files.write(directory.resolve(files.size() + ".sse"), answer.bytes()).toString());
        }
        JsonNode seen = Json.read(Python.run("""
                import json, sys
                from openai._streaming import SSEDecoder
                def read(file):
                    with open(file, "rb") as body:
                        return [event.data for event in SSEDecoder().iter_bytes(body)]
                print(json.dumps([read(file) for file in sys.argv[1:]]))
                """, files.toArray(String[]::new)).printed());

        int at = 0;
        for (RawAnswer answer : RECORDED.values()) {
            assertThat(Json.each(seen.path(at++), "")).as(answer.text()).isEqualTo(dataOf(answer));
        }
    }

    private void assertNodeSees(String wire, String path) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(wire));
        List<String> names = RECORDED.keySet().stream().filter(name -> name.endsWith(path)).toList();
        for (int i = 0; i < names.size(); i++) {
            arguments.add(Files.write(directory.resolve(i + ".sse"), RECORDED.get(names.get(i)).bytes()).toString());
        }
        JsonNode all = Node.run("readers.mjs", arguments.toArray(String[]::new));
        for (int i = 0; i < names.size(); i++) {
            List<String> expected = dataOf(RECORDED.get(names.get(i)));
            JsonNode readers = all.path(i + ".sse");
            assertThat(readers.properties()).hasSizeGreaterThan(4);
            for (Map.Entry<String, JsonNode> reader : readers.properties()) {
                String what = "%s by %s: %s".formatted(names.get(i), reader.getKey(), reader.getValue());
                if (reader.getKey().startsWith("ai") || reader.getKey().startsWith("openai")) {
                    assertParsed(reader.getValue(), expected, what);
                } else {
                    assertThat(reader.getValue().path("error").isNull()).as(what).isTrue();
                    assertThat(Json.each(reader.getValue().path("seen"), "")).as(what).isEqualTo(expected);
                }
            }
        }
    }

    /** A parser gives the objects without the terminator; OpenAI's throws the error that it is told. */
    private static void assertParsed(JsonNode seen, List<String> data, String what) {
        List<JsonNode> objects = data.stream().filter(one -> !one.equals("[DONE]")).map(Json::read).toList();
        List<JsonNode> shown = objects.stream().filter(one -> !one.has("error")).toList();
        assertThat(seen.path("seen")).as(what).containsExactlyElementsOf(shown);
        String error = objects.stream().filter(one -> one.has("error")).map(one -> one.at("/error/message").asText())
                .findFirst().orElse(null);
        assertThat(seen.path("error").textValue()).as(what).isEqualTo(error);
    }

    private static List<String> dataOf(RawAnswer answer) {
        return SseParser.events(answer.bytes()).stream().map(SseEvent::data).toList();
    }
}
