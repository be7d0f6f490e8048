package io.chatrelay.api;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

import jakarta.ws.rs.core.HttpHeaders;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.access.Caller;
import io.chatrelay.access.Role;
import io.chatrelay.approval.DecideCommand;
import io.chatrelay.approval.DecideCommand.Answer;
import io.chatrelay.event.RawJson;

/**
 * Decisions on approvals in the format of {@code useChat}: a request whose last message is the assistant's, with parts in the state
 * {@code approval-responded}. Decisions in older messages were sent before, and are ignored.
 *
 * @param seen      the turn's calls that the caller's message contains
 * @param useChat   whether the body has a {@code trigger}, as {@code useChat} sends it
 * @param streaming false if the body requests an answer without a stream
 * @param leavingStops whether the turn is cancelled when its caller disconnects
 */
public record ApprovalAnswers(DecideCommand command, SeenCalls seen, boolean useChat, boolean streaming, boolean leavingStops) {

    private static final String RESPONDED = "approval-responded";
    private static final int LONGEST_REASON = 2000;
    private static final Pattern DIGEST = Pattern.compile("[0-9a-fA-F]{64}");

    /** The decisions in a chat request; empty if there are none. */
    public static Optional<ApprovalAnswers> of(JsonBody body, HttpHeaders http, Caller caller) {
        JsonNode messages = body.node().path("messages");
        JsonNode last = messages.path(messages.size() - 1);
        if (!messages.isArray() || !last.isObject() || !last.path("role").asText().equals("assistant")
                || !last.path("parts").isArray()) {
            return Optional.empty();
        }
        JsonBody message = new JsonBody(last, "messages[%d]".formatted(messages.size() - 1));
        List<JsonBody> parts = message.objects("parts");
        List<Answer> answers = answers(parts);
        if (answers.isEmpty()) {
            return Optional.empty();
        }
        String id = body.id("id");
        String named = body.id("conversationId");
        String conversation = ConversationHeader.or(named == null ? "id" : "conversationId", named == null ? id : named, http);
        if (conversation == null) {
            throw body.wrong("conversationId", "is required: an approval is answered in its conversation");
        }
        // An app sends the same fields with all of its requests: {@code onRunning} is checked, but has no effect here.
        CancelOptions cancel = CancelOptions.of(body, http, caller);
        return Optional.of(new ApprovalAnswers(
                new DecideCommand(EndUsers.scope(caller), caller.name(), caller.may(Role.APPROVE), conversation,
                        EndUsers.of(body, caller),
                        answered(message), answers),
                SeenCalls.of(parts, answers), body.text("trigger") != null, body.flag("stream", true),
                cancel.leavingStops()));
    }

    private static DecideCommand.OfTurn answered(JsonBody message) {
        return new DecideCommand.OfTurn(message.at("id"), message.text("id"), true);
    }

    private static List<Answer> answers(List<JsonBody> parts) {
        List<Answer> answers = new ArrayList<>();
        Set<String> calls = new HashSet<>();
        for (JsonBody part : parts) {
            if (part.node().path("state").asText().equals(RESPONDED)) {
                String type = part.required("type");
                if (!type.equals("dynamic-tool") && !type.startsWith("tool-")) {
                    throw part.wrong("type", "must be tool-<name> or dynamic-tool where the state is " + RESPONDED);
                }
                part.required("toolCallId");
                String call = part.name("toolCallId");
                if (!calls.add(call)) {
                    throw part.wrong("toolCallId", "is answered twice in this message");
                }
                JsonBody approval = part.object("approval");
                if (approval == null) {
                    throw part.wrong("approval", "is required");
                }
                approval.text("id");
                answers.add(answer(approval, part.at("toolCallId"), call, part.has("input") ? part.raw("input") : null));
            }
        }
        return answers;
    }

    /** Whether the answer to the decisions is the rest of the turn. */
    public boolean stream(ApprovalBehavior atApproval) {
        return streaming && (useChat || atApproval == ApprovalBehavior.PAUSE);
    }

    /**
     * Reads {@code approved}, {@code reason} and {@code inputDigest} of an object.
     *
     * @param input the input that was shown for the decision, or null
     */
    static Answer answer(JsonBody body, String callField, String toolCallId, RawJson input) {
        if (!body.has("approved")) {
            throw body.wrong("approved", "is required");
        }
        return new Answer(body.at("approved"), callField, body.at("inputDigest"), toolCallId, body.flag("approved", false),
                reason(body), digest(body), input);
    }

    private static String reason(JsonBody body) {
        String reason = body.text("reason");
        if (reason == null || reason.isBlank()) {
            return null;
        }
        if (reason.length() > LONGEST_REASON) {
            throw body.wrong("reason", "is longer than %d characters".formatted(LONGEST_REASON));
        }
        if (reason.codePoints().anyMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t'
                || Character.getType(c) == Character.SURROGATE)) {
            throw body.wrong("reason", "holds a control character other than a line feed or a tab, or half a character");
        }
        return reason;
    }

    private static String digest(JsonBody body) {
        String digest = body.text("inputDigest");
        if (digest == null) {
            return null;
        }
        if (!DIGEST.matcher(digest).matches()) {
            throw body.wrong("inputDigest", "must be 64 hexadecimal digits: the SHA-256 of the input that was shown");
        }
        return digest.toLowerCase(Locale.ROOT);
    }
}
