package io.chatrelay.event;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.NullUnmarked;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ReasoningDelta;
import io.chatrelay.event.ChatEvent.ReasoningEnded;
import io.chatrelay.event.ChatEvent.ReasoningStarted;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.ChatEvent.Unknown;
import io.chatrelay.journal.EventCodec;

/**
 * Encodes a chat event as one line of JSON in the journal: a flat object whose {@code t} is its kind. Raw values of tools and data
 * are stored as strings, so that they are read back character by character.
 * <p>
 * A new version may only add kinds and members, because rows outlive versions. During a rollout, replicas of the previous version
 * read what the new version writes. So the codec ignores an unknown member, keeps an event of an unknown kind
 * {@linkplain Unknown as it is}, and never throws for an unknown word (an outcome, a finish reason, a failure's code, a decision);
 * an unknown word never means success. The kind of a turn's last event is {@code end} in every version.
 */
@NullUnmarked
public final class ChatEventCodec implements EventCodec<ChatEvent> {

    @Override
    public byte[] encode(ChatEvent event) {
        JsonWriter out = new JsonWriter(96);
        switch (event) {
            case Started(var id) -> open(out, "start").with("id", id);
            case StepStarted() -> open(out, "step-start");
            case StepFinished() -> open(out, "step-finish");
            case TextStarted(var id) -> open(out, "text-start").with("id", id);
            case TextDelta(var id, var text) -> open(out, "text").with("id", id).with("d", text);
            case TextEnded(var id) -> open(out, "text-end").with("id", id);
            case ReasoningStarted(var id) -> open(out, "reasoning-start").with("id", id);
            case ReasoningDelta(var id, var text) -> open(out, "reasoning").with("id", id).with("d", text);
            case ReasoningEnded(var id) -> open(out, "reasoning-end").with("id", id);
            case ToolInputStarted(var call, var name) -> open(out, "input-start").with(call).with("name", name);
            case ToolInputDelta(var id, var text) -> open(out, "input").with("id", id).with("d", text);
            case ToolInputFailed(var call, var name, var input, var error) ->
                    open(out, "input-error").with(call).with("name", name).with("in", input.text()).with("d", error);
            case ToolCalled(var call, var name, var input, var callerRuns) ->
                    open(out, "call").with(call).with("name", name).with("d", input.text()).with("own", callerRuns ? 1 : 0);
            case ApprovalRequested(var id, var callId, var upstreamId) ->
                    open(out, "approval").with("id", id).with("call", callId).with("up",
                            upstreamId.equals(id) ? null : upstreamId);
            case ApprovalDecided(var id, var callId, var state, var reason) ->
                    open(out, "decided").with("id", id).with("call", callId).with("state", state).with("d", reason);
            case ToolSucceeded(var id, var output) -> open(out, "output").with("id", id).with("d", output.text());
            case ToolFailed(var id, var error) -> open(out, "output-error").with("id", id).with("d", error);
            case ToolDenied(var id) -> open(out, "output-denied").with("id", id);
            case Data(var type, var id, var data, var isTransient) ->
                    open(out, "data").with("name", type).with("id", id).with("d", data.text()).flag("transient", isTransient);
            case Ended ended -> end(open(out, "end"), ended);
            case Unknown(var line) -> {
                return line.getBytes(UTF_8);
            }
        }
        return out.ascii('}').toBytes();
    }

    private static void end(Members members, Ended ended) {
        members.with("outcome", ended.outcome().wireName());
        if (ended.finishReason() != null) {
            members.with("reason", ended.finishReason().wireName());
        }
        if (ended.usage() != null) {
            members.with("prompt", ended.usage().promptTokens()).with("completion", ended.usage().completionTokens())
                    .with("total", ended.usage().totalTokens());
            if (ended.usage().counted() != null) {
                members.with("usage", ended.usage().counted().text());
            }
        }
        if (ended.failure() != null) {
            members.with("code", ended.failure().name()).with("d", ended.failure().message());
            if (ended.failure().retryAfter() != null) {
                members.with("retry", ended.failure().retryAfter());
            }
        }
    }

    @Override
    public ChatEvent decode(byte[] bytes, int offset, int length) {
        Map<String, String> m = members(bytes, offset, length);
        String kind = m.get("t");
        if (kind == null) {
            throw new IllegalStateException("an event in the journal has no kind");
        }
        return switch (kind) {
            case "start" -> new Started(m.get("id"));
            case "step-start" -> new StepStarted();
            case "step-finish" -> new StepFinished();
            case "text-start" -> new TextStarted(m.get("id"));
            case "text" -> new TextDelta(m.get("id"), m.get("d"));
            case "text-end" -> new TextEnded(m.get("id"));
            case "reasoning-start" -> new ReasoningStarted(m.get("id"));
            case "reasoning" -> new ReasoningDelta(m.get("id"), m.get("d"));
            case "reasoning-end" -> new ReasoningEnded(m.get("id"));
            case "input-start" -> new ToolInputStarted(call(m), m.get("name"));
            case "input" -> new ToolInputDelta(m.get("id"), m.get("d"));
            case "input-error" -> new ToolInputFailed(call(m), m.get("name"), new RawJson(m.get("in")), m.get("d"));
            case "call" -> new ToolCalled(call(m), m.get("name"), new RawJson(m.get("d")), isCallers(m));
            case "approval" -> new ApprovalRequested(m.get("id"), m.get("call"), m.getOrDefault("up", m.get("id")));
            case "decided" -> new ApprovalDecided(m.get("id"), m.get("call"), m.get("state"), m.get("d"));
            case "output" -> new ToolSucceeded(m.get("id"), new RawJson(m.get("d")));
            case "output-error" -> new ToolFailed(m.get("id"), m.get("d"));
            case "output-denied" -> new ToolDenied(m.get("id"));
            case "data" -> new Data(m.get("name"), m.get("id"), new RawJson(m.get("d")), m.containsKey("transient"));
            case "end" -> ended(m);
            default -> new Unknown(new String(bytes, offset, length, UTF_8));
        };
    }

    /** An event without this member is older than the member: every call was then published as one that the caller runs. */
    private static boolean isCallers(Map<String, String> m) {
        return !"0".equals(m.get("own"));
    }

    /** A stored input without a number began before calls had numbers. */
    private static Call call(Map<String, String> m) {
        return new Call(Integer.parseInt(m.getOrDefault("i", "-1")), m.get("id"), m.getOrDefault("up", m.get("id")));
    }

    private static Ended ended(Map<String, String> m) {
        Outcome outcome = Outcome.of(m.get("outcome"));
        return new Ended(outcome, finishReason(m, outcome), usage(m), failure(m, outcome));
    }

    private static FinishReason finishReason(Map<String, String> m, Outcome outcome) {
        if (m.containsKey("reason")) {
            return FinishReason.of(m.get("reason"));
        }
        return outcome == Outcome.COMPLETED ? FinishReason.OTHER : null;
    }

    private static Usage usage(Map<String, String> m) {
        return m.containsKey("prompt") && m.containsKey("completion") && m.containsKey("total")
                ? new Usage(Long.parseLong(m.get("prompt")), Long.parseLong(m.get("completion")),
                        Long.parseLong(m.get("total")), m.containsKey("usage") ? new RawJson(m.get("usage")) : null)
                : null;
    }

    /** A failure always has a code and a message, even if a later version left them out. */
    private static Failure failure(Map<String, String> m, Outcome outcome) {
        if (!m.containsKey("code") && (outcome == Outcome.COMPLETED || outcome == Outcome.CANCELLED)) {
            return null;
        }
        String name = m.getOrDefault("code", m.getOrDefault("outcome", Failure.Code.UNKNOWN.wireName()));
        return new Failure(Failure.Code.of(name), name,
                m.getOrDefault("d", "The turn did not complete: %s. What came before is kept.".formatted(name)),
                m.containsKey("retry") ? Long.valueOf(m.get("retry")) : null);
    }

    private static Map<String, String> members(byte[] bytes, int offset, int length) {
        Map<String, String> members = HashMap.newHashMap(6);
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(bytes, offset, length)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value.isStructStart()) {
                    // This version writes flat objects only, so a later version wrote this member.
                    parser.skipChildren();
                } else if (value != JsonToken.VALUE_NULL) {
                    members.put(name, parser.getText());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("an event in the journal cannot be read", e);
        }
        return members;
    }

    @Override
    public boolean isLast(ChatEvent event) {
        return event instanceof Ended;
    }

    private static Members open(JsonWriter out, String kind) {
        out.ascii("{\"t\":\"").ascii(kind).ascii('"');
        return new Members(out);
    }

    private record Members(JsonWriter out) {

        Members with(String name, String value) {
            if (value != null) {
                out.ascii(",\"").ascii(name).ascii("\":").string(value);
            }
            return this;
        }

        Members with(String name, long value) {
            out.ascii(",\"").ascii(name).ascii("\":").number(value);
            return this;
        }

        Members with(Call call) {
            return with("id", call.id()).with("i", call.number())
                    .with("up", call.upstreamId().equals(call.id()) ? null : call.upstreamId());
        }

        /** Writes the member only if it is true. */
        Members flag(String name, boolean value) {
            return value ? with(name, 1) : this;
        }
    }
}
