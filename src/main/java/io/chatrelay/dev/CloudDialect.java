package io.chatrelay.dev;

import static io.chatrelay.dev.Step.send;
import static io.chatrelay.dev.Step.sequence;
import static io.chatrelay.dev.Wire.event;
import static io.chatrelay.dev.Wire.quote;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Answer.Play;
import io.chatrelay.dev.Answer.Reply;

/** OpenAI's chunks as Inkeep Cloud documents them; never recorded. */
final class CloudDialect implements Dialect {

    private static final Pace PACE = new Pace(20, 20, 20);
    private static final long MINUTE_MILLIS = 60_000;
    private static final Pattern UNCOUNTED = Pattern.compile("usage-missing( \\d+)?");

    private final String id = Wire.completionId();
    private final long created = System.currentTimeMillis() / 1000;
    private final String model;
    private final boolean usage;

    CloudDialect(String model, boolean usage) {
        this.model = model;
        this.usage = usage;
    }

    @Override
    public Pace pace() {
        return PACE;
    }

    @Override
    public String ordinaryText(Turn turn) {
        return "Hello from the fake cloud model. I saw " + turn.messages() + " message(s); the last was \""
                + turn.text() + "\".";
    }

    @Override
    public Stream<Step> open() {
        return Stream.of(send(chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null")));
    }

    @Override
    public Stream<Step> word(String word) {
        return Stream.of(send(delta(word)));
    }

    @Override
    public Stream<Step> openText() {
        return Stream.empty();
    }

    @Override
    public String delta(String text) {
        return chunk("{\"content\":" + quote(text) + "}", "null");
    }

    @Override
    public Stream<Step> closeText() {
        return Stream.empty();
    }

    /** As other servers of this protocol do it; what Inkeep's does was never recorded. */
    @Override
    public Stream<Step> thought(String piece) {
        return Stream.of(send(chunk("{\"reasoning_content\":" + quote(piece) + "}", "null")));
    }

    @Override
    public Stream<Step> complete() {
        return finish("stop", usage);
    }

    private Stream<Step> finish(String reason, boolean withUsage) {
        return sequence(Stream.of(send(chunk("{}", quote(reason)))),
                withUsage ? usage() : Stream.empty(), Stream.of(send(event("[DONE]"))));
    }

    private Stream<Step> usage() {
        return Stream.of(send(event(head() + ",\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
                + "\"completion_tokens\":1,\"total_tokens\":10}}")));
    }

    /** An error in the stream, and no {@code [DONE]}: recording 06. */
    @Override
    public Stream<Step> fail() {
        return Stream.of(send(event("{\"error\":{\"message\":\"The model is overloaded\",\"type\":\"server_error\","
                + "\"code\":\"overloaded\"}}")));
    }

    @Override
    public Stream<Step> failOtherwise() {
        return fail();
    }

    @Override
    public Stream<Step> filtered() {
        return finish("content_filter", usage);
    }

    private String chunk(String delta, String finishReason) {
        return event(head() + ",\"choices\":[{\"index\":0,\"delta\":" + delta + ",\"finish_reason\":" + finishReason
                + "}]}");
    }

    private String head() {
        return "{\"id\":\"" + id + "\",\"object\":\"chat.completion.chunk\",\"created\":" + created + ",\"model\":"
                + quote(model);
    }

    @Override
    public Reply problem(int status, String message) {
        String type = switch (status) {
            case 429 -> "rate_limit_error";
            case 400, 404 -> "invalid_request_error";
            default -> "server_error";
        };
        return Reply.of(status, "application/json",
                "{\"error\": {\"message\": " + quote(message) + ", \"type\": \"" + type + "\"}}");
    }

    @Override
    public Reply contextTooLong() {
        return Reply.of(Recording.load("cloud/42-context-length"));
    }

    @Override
    public String folder() {
        return "cloud";
    }

    @Override
    public Optional<Answer> own(Turn turn) {
        return switch (turn.text().strip()) {
            case "tool", "links" -> Optional.of(new Play(links(), false));
            case "usage" -> Optional.of(new Play(sequence(open(), word("Hello"), finish("stop", true)), false));
            case "usage first" -> Optional.of(new Play(sequence(open(), usage(), word("Hello"),
                    Stream.of(new Step.Pause(MINUTE_MILLIS)), finish("stop", false)), false));
            default -> UNCOUNTED.matcher(turn.text().strip()).matches()
                    ? Optional.of(new Play(sequence(open(), Script.say(this, ordinaryText(turn), pace().perWord()),
                            finish("stop", false)), false))
                    : Optional.empty();
        };
    }

    /** Recording 02 under this answer's own id. */
    private Stream<Step> links() {
        return Recording.load("cloud/02-links-and-annotations").frames().stream()
                .flatMap(frame -> Stream.of(new Step.Pause(20), send(underOwnId(frame.text()))));
    }

    private String underOwnId(String recorded) {
        JsonNode chunk = Json.ofEvent(recorded);
        if (!(chunk instanceof ObjectNode object)) {
            return recorded;
        }
        ObjectNode own = object.deepCopy();
        own.put("id", id).put("created", created).put("model", model);
        return event(own.toString());
    }

    @Override
    public String whole(List<String> events) {
        StringBuilder text = new StringBuilder();
        Map<Integer, ObjectNode> calls = new TreeMap<>();
        String reason = "null";
        for (String sent : events) {
            JsonNode event = Json.ofEvent(sent);
            if (event.has("error")) {
                return event.toString();
            }
            JsonNode choice = event.path("choices").path(0);
            text.append(choice.path("delta").path("content").asText(""));
            choice.path("delta").path("tool_calls").forEach(part -> calls.merge(part.path("index").asInt(),
                    part.deepCopy(), CloudDialect::joined));
            reason = choice.path("finish_reason").isTextual() ? choice.path("finish_reason").toString() : reason;
        }
        calls.values().forEach(call -> call.remove("index"));
        return head().replace("chat.completion.chunk", "chat.completion")
                + ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" + quote(text.toString())
                + (calls.isEmpty() ? "" : ",\"tool_calls\":" + calls.values()) + "},\"finish_reason\":" + reason
                + "}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10}}";
    }

    private static ObjectNode joined(ObjectNode call, ObjectNode part) {
        ObjectNode function = (ObjectNode) call.path("function");
        String more = part.path("function").path("arguments").asText();
        function.put("arguments", function.path("arguments").asText() + more);
        return call;
    }
}
