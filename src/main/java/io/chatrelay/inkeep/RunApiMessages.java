package io.chatrelay.inkeep;

import java.util.List;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;

import io.quarkus.runtime.annotations.RegisterForReflection;

/** The bodies of the short calls to the run API and of their answers. Members of an answer that nothing needs are passed over. */
final class RunApiMessages {

    private RunApiMessages() {}

    /** The body of a request. */
    @RegisterForReflection
    sealed interface Body permits DecisionMessage, LegacyDecision, ExecutionDecision {}

    /** A decision as a message of the conversation. */
    @RegisterForReflection
    record DecisionMessage(String conversationId, List<Message> messages) implements Body {

        @RegisterForReflection
        record Message(String role, String content, List<Part> parts) {}

        @RegisterForReflection
        record Part(String type, String toolCallId, String state, Approval approval) {}

        @RegisterForReflection
        @JsonInclude(JsonInclude.Include.NON_NULL)
        record Approval(String id, boolean approved, String reason) {}

        static DecisionMessage of(String conversationId, String toolName, String toolCallId, Approval approval) {
            return new DecisionMessage(conversationId, List.of(new Message("assistant", null,
                    List.of(new Part("tool-" + toolName, toolCallId, "approval-responded", approval)))));
        }
    }

    /** A decision for a server until March 2026. */
    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record LegacyDecision(String conversationId, String toolCallId, Boolean approved, String reason) implements Body {

        /** No decision: only a server that has the route says that its fields are missing. */
        static final LegacyDecision EMPTY = new LegacyDecision(null, null, null, null);
    }

    /** A decision for a durable run. */
    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record ExecutionDecision(boolean approved, String reason) implements Body {}

    /**
     * The answer to a decision. Every transport fills a part of it.
     *
     * @param success absent in some answers
     * @param results of the single calls
     * @param error   a text, or an object with a {@code message}
     */
    @RegisterForReflection
    record DecisionAnswer(Boolean success, List<Result> results, String detail, JsonNode error, String message) {

        /** @param error of any shape; absent if there is none */
        @RegisterForReflection
        record Result(String toolCallId, Boolean approved, Boolean alreadyProcessed, Boolean deferred, JsonNode error) {}

        /** False if the answer reports an error. It can report an error for a call, and success as a whole. */
        boolean isSuccess() {
            return !Boolean.FALSE.equals(success)
                    && (results == null || results.stream().noneMatch(result -> result != null && result.error() != null));
        }

        /** The text of the error that it reports; empty if there is none. */
        String said() {
            JsonNode text = error == null || error.isTextual() ? error : error.path("message");
            return detail != null ? detail : text != null && text.isTextual() ? text.asText() : message != null ? message : "";
        }
    }

    /**
     * What a conversation waits for.
     *
     * @param hasPending null if the server does not report it
     * @param approval   any one, if several are pending
     */
    @RegisterForReflection
    record PendingApprovals(Boolean hasPending, Approval approval) {

        @RegisterForReflection
        record Approval(String toolCallId, String toolName) {}

        /** Empty if the server does not report it. */
        String toolCallId() {
            return approval == null || approval.toolCallId() == null ? "" : approval.toolCallId();
        }
    }
}
