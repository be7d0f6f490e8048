package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Sse;
import io.chatrelay.support.sse.SseEvent;

/** What tests of approvals begin with: turns that wait, and a client that answers them as {@code useChat} does. */
abstract class ApprovalsTest extends ServiceTest {

    static final String DECIDE = "/run/api/tool-approvals";
    static final String INBOX = "/run/v1/tool-approvals";
    static final String ONE = "use tool delete_file";
    static final String TWO = "use both approvals";

    static String streamOf(String conversation) {
        return CONVERSATIONS + "/" + conversation + "/stream";
    }

    static ObjectNode useChat(String conversation, String text) {
        return Json
                .of("{'trigger':'submit-message','messages':[{'id':'m1','role':'user','parts':[{'type':'text','text':'" + text
                        + "'}]}]}")
                .put("id", conversation);
    }

    /** A conversation whose turn waits, and the calls that wait in it. */
    record Waiting(String conversation, List<JsonNode> approvals) {

        String call(int index) {
            return approvals.get(index).path("toolCallId").asText();
        }

        ObjectNode decision(int index, boolean approved) {
            return Json.of("{}").put("conversationId", conversation).put("toolCallId", call(index)).put("approved", approved);
        }
    }

    Waiting waiting(String text) {
        String conversation = newId();
        relay().post(CHAT, Json.ask(conversation, text).put("stream", false));
        // The answer comes with the first that waits, if the second is late.
        int all = text.startsWith(TWO) ? 2 : 1;
        await().until(() -> waitingIn(conversation).approvals().size() == all);
        return waitingIn(conversation);
    }

    Waiting waitingIn(String conversation) {
        List<JsonNode> open = new ArrayList<>();
        relay().get(CONVERSATIONS + "/" + conversation + "/pending-approvals").json().path("approvals").forEach(open::add);
        assertThat(open).isNotEmpty();
        return new Waiting(conversation, open);
    }

    /** The message as {@code useChat} has it after streams, its open approvals answered. */
    static ObjectNode answering(String conversation, boolean approved, String reason, Sse... streams) {
        ObjectNode body = Json
                .of("{'trigger':'submit-message','messages':[{'role':'user','content':'x'},{'role':'assistant'}]}")
                .put("id", conversation);
        ArrayNode parts = ((ObjectNode) body.at("/messages/1")).putArray("parts");
        for (Sse stream : streams) {
            for (SseEvent event : stream.events()) {
                if (event.type().equals("start")) {
                    body.set("messageId", event.json().get("messageId"));
                    ((ObjectNode) body.at("/messages/1")).set("id", event.json().get("messageId"));
                }
                fold(event, approved, reason, parts);
            }
        }
        return body;
    }

    private static void fold(SseEvent event, boolean approved, String reason, ArrayNode parts) {
        String state = switch (event.type()) {
            case "tool-input-available" -> "input-available";
            case "tool-approval-request" -> "approval-responded";
            case "tool-output-available", "tool-output-error", "tool-output-denied" -> event.type().substring("tool-".length());
            default -> null;
        };
        if (state == null) {
            return;
        }
        String call = event.json().path("toolCallId").asText();
        ObjectNode part = null;
        for (JsonNode known : parts) {
            part = known.path("toolCallId").asText().equals(call) ? (ObjectNode) known : part;
        }
        part = part == null ? parts.addObject().put("type", "tool-" + event.json().path("toolName").asText())
                .put("toolCallId", call) : part;
        part.put("state", state);
        if (state.equals("approval-responded")) {
            part.putObject("approval").put("id", event.json().path("approvalId").asText()).put("approved", approved)
                    .put("reason", reason);
        }
    }
}
