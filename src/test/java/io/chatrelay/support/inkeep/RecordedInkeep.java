package io.chatrelay.support.inkeep;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.support.Json;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/**
 * A server that plays what real servers answered, byte for byte, and decides nothing itself. A question is answered by the recording
 * that is next; where the recording tells the outcome of a call it waits for the decision on that call, which is answered as
 * recorded too. The only thing that it knows of its own is which conversation is asked about.
 */
public final class RecordedInkeep extends StandIn {

    /** What was asked, and when. */
    public record Asked(long nanos, String method, String path, Map<String, String> headers, JsonNode body) {

        public String conversation() {
            return body.path("conversationId").asText();
        }

        boolean isQuestion() {
            return path.endsWith("/api/chat") && !body.at("/messages/0/role").asText().equals("assistant");
        }

        /** The calls that it decides. */
        public List<String> calls() {
            return body.has("toolCallId") ? List.of(body.path("toolCallId").asText())
                    : Json.each(body.at("/messages/0/parts"), "/toolCallId");
        }

        /** Its decisions, one a call. */
        public List<JsonNode> decisions() {
            List<JsonNode> decisions = new ArrayList<>();
            body.at("/messages/0/parts").forEach(decisions::add);
            return decisions;
        }
    }

    public static final RecordedInkeep INSTANCE = new RecordedInkeep();

    private final ConcurrentLinkedQueue<Play> next = new ConcurrentLinkedQueue<>();
    private final List<Play> playing = new CopyOnWriteArrayList<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final List<Asked> unforeseen = new CopyOnWriteArrayList<>();

    private RecordedInkeep() {}

    @Override
    int start() {
        // Each service that begins finds out anew what it talks to.
        asked.clear();
        playing.clear();
        return super.start();
    }

    @Override
    void answer(HttpServerRequest request, Buffer body) {
        Map<String, String> headers = new HashMap<>();
        request.headers().forEach((name, value) -> headers.put(name.toLowerCase(), value));
        answer(new Asked(System.nanoTime(), request.method().name(), request.path(), headers,
                Json.read(body.length() == 0 ? "{}" : body.toString())), request);
    }

    private void answer(Asked request, HttpServerRequest http) {
        asked.add(request);
        if (request.path().endsWith("/api/tool-approvals") && !request.body().has("conversationId")) {
            // How a service finds out what it talks to.
            send(Recording.load(request.path().startsWith("/run/") ? "agents/38-tool-approvals-endpoint-head"
                    : "legacy/37c-tool-approvals-missing-fields"), http);
            return;
        }
        if (request.method().equals("POST") && request.isQuestion()) {
            Play play = next.poll();
            if (play != null) {
                playing.add(play);
                play.begin(request, http);
                return;
            }
        } else if (request.method().equals("POST")) {
            for (Play play : playing) {
                if (play.isOf(request.conversation()) && play.decided(request, http)) {
                    return;
                }
            }
        }
        unforeseen.add(request);
        http.response().setStatusCode(500).end();
    }

    private static void send(Recording recording, HttpServerRequest http) {
        send(recording, recording.body(), http);
    }

    private static void send(Recording recording, String body, HttpServerRequest http) {
        head(recording, http).end(body);
    }

    private static HttpServerResponse head(Recording recording, HttpServerRequest http) {
        HttpServerResponse response = http.response().setStatusCode(recording.status());
        for (String header : List.of("content-type", "x-workflow-run-id", "x-vercel-ai-data-stream")) {
            recording.header(header).ifPresent(value -> response.putHeader(header, value));
        }
        return response;
    }

    /** The next question is answered by this recorded stream. */
    public Play plays(String recording) {
        Play play = new Play(Recording.load(recording));
        next.add(play);
        return play;
    }

    /** Everything that was asked since the server began, oldest first. */
    public List<Asked> asked() {
        return asked;
    }

    /** What nobody had foreseen since the last call of this. */
    public List<Asked> unforeseen() {
        List<Asked> all = List.copyOf(unforeseen);
        unforeseen.clear();
        next.clear();
        return all;
    }

    /** One turn, as it was recorded. */
    public static final class Play {

        private final Recording recording;
        private final List<String> frames = new ArrayList<>();
        private final Set<String> decided = new HashSet<>();
        private final Deque<Recording> answers = new ArrayDeque<>();
        private final List<Asked> told = new ArrayList<>();
        private Asked question;
        private HttpServerResponse response;
        private String hold;
        private int at;
        private boolean broken;

        private Play(Recording recording) {
            this.recording = recording;
            recording.frames().forEach(frame -> frames.add(frame.text()));
        }

        /** The next request that decides something is answered by this. */
        public synchronized Play answers(String... recordings) {
            Arrays.stream(recordings).map(Recording::load).forEach(answers::add);
            return this;
        }

        /** Decisions are answered by this status and nothing else: the answer was lost, or the server was ill. */
        public synchronized Play breaks() {
            broken = true;
            return this;
        }

        /** Waits before the first frame that holds this text, until it {@linkplain #goesOn goes on}. */
        public synchronized Play holdsBefore(String text) {
            hold = text;
            return this;
        }

        public synchronized void goesOn() {
            hold = null;
            go();
        }

        /** Where a recording was cut off at a wait: what another one says from its first outcome on, of this one's last call. */
        public synchronized Play endsAs(String other, String otherCall, String call) {
            Recording.load(other).frames().stream().map(Recording.Frame::text).dropWhile(frame -> settles(frame) == null)
                    .forEach(frame -> frames.add(frame.replace(otherCall, call)));
            return this;
        }

        /** The parts that it tells, in order. */
        public synchronized List<JsonNode> parts() {
            return parts(frames);
        }

        public static List<JsonNode> parts(List<String> frames) {
            List<JsonNode> parts = new ArrayList<>();
            for (String frame : frames) {
                String data = frame.substring("data: ".length()).strip();
                if (data.startsWith("{")) {
                    parts.add(Json.read(data));
                }
            }
            return parts;
        }

        /** The question that it answered, as it came. */
        public synchronized Asked question() {
            return question;
        }

        /** Which requests decided something in its conversation, oldest first. */
        public synchronized List<Asked> told() {
            return List.copyOf(told);
        }

        private synchronized boolean isOf(String conversation) {
            return question.conversation().equals(conversation);
        }

        private synchronized void begin(Asked request, HttpServerRequest http) {
            question = request;
            response = head(recording, http).setChunked(true);
            go();
        }

        private synchronized boolean decided(Asked request, HttpServerRequest http) {
            told.add(request);
            if (broken) {
                http.response().setStatusCode(503).end();
                return true;
            }
            Recording answer = answers.poll();
            if (answer == null) {
                return false;
            }
            send(answer, answerTo(request, answer), http);
            if (answer.status() == 200) {
                decided.addAll(request.calls());
                go();
            }
            return true;
        }

        /** As recorded; of an answer on several calls, what it says about those that are asked about. */
        private static String answerTo(Asked request, Recording answer) {
            if (!answer.body().startsWith("{\"success\":true,\"results\":")) {
                return answer.body();
            }
            ObjectNode body = (ObjectNode) Json.read(answer.body());
            ArrayNode some = body.arrayNode();
            body.path("results").forEach(result -> {
                if (request.calls().contains(result.path("toolCallId").asText())) {
                    some.add(result);
                }
            });
            return some.size() == body.path("results").size() || some.isEmpty() ? answer.body()
                    : body.set("results", some).toString();
        }

        private void go() {
            while (at < frames.size() && isFree(frames.get(at))) {
                response.write(frames.get(at++));
            }
            boolean whole = frames.getLast().contains("[DONE]") || recording.header("x-workflow-run-id").isPresent();
            if (at == frames.size() && whole && !response.ended()) {
                response.end();
            }
        }

        private boolean isFree(String frame) {
            String call = settles(frame);
            return (call == null || decided.contains(call)) && (hold == null || !frame.contains(hold));
        }

        /** The call whose outcome a frame tells, or null. */
        private static String settles(String frame) {
            for (JsonNode part : parts(List.of(frame))) {
                if (part.path("type").asText().startsWith("tool-output-")) {
                    return part.path("toolCallId").asText();
                }
                if (part.at("/data/type").asText().equals("tool_result")) {
                    return part.at("/data/details/data/toolCallId").asText();
                }
            }
            return null;
        }
    }
}
