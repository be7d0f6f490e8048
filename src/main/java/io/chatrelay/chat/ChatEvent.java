package io.chatrelay.chat;

/**
 * What can happen in a turn. Events of a turn are a sequence with two folds over it: what is stored as the assistant's
 * message ({@link Transcript}), and what a caller's wire shows. One event is at most one frame on each wire, so an event's
 * number never splits. Names follow the AI SDK's stream parts where the field has a term.
 *
 * <pre>
 * Started ( StepStarted ( TextStarted TextDelta* TextEnded
 *                       | ToolInputStarted ToolInputDelta* ToolCalled [ApprovalRequested [ApprovalDecided]]
 *                         (ToolSucceeded|ToolFailed|ToolDenied)
 *                       | Data )* StepFinished )* Ended
 * </pre>
 *
 * A turn that Inkeep refused is a lone {@code Ended}.
 */
public sealed interface ChatEvent {

    /**
     * Inkeep's first event is here.
     *
     * @param upstreamMessageId Inkeep's own id of the answer, or null where it gives none
     */
    record Started(String upstreamMessageId) implements ChatEvent {}

    /** A call of the model begins: text and tool calls until the outcomes of these calls. */
    record StepStarted() implements ChatEvent {}

    record StepFinished() implements ChatEvent {}

    /** A run of text begins; its id is unique in the turn. */
    record TextStarted(String id) implements ChatEvent {}

    record TextDelta(String id, String text) implements ChatEvent {}

    record TextEnded(String id) implements ChatEvent {}

    record ToolInputStarted(String callId, String toolName) implements ChatEvent {}

    record ToolInputDelta(String callId, String text) implements ChatEvent {}

    /**
     * A tool is called, its input is whole.
     *
     * @param index its place among the turn's calls, from 0: OpenAI's chunks count them
     */
    record ToolCalled(String callId, String toolName, RawJson input, int index) implements ChatEvent {}

    record ApprovalRequested(String approvalId, String callId) implements ChatEvent {}

    /**
     * The ledger has a decision. This service's own event: no upstream sends it.
     *
     * @param reason given with it, or null
     */
    record ApprovalDecided(String approvalId, String callId, ApprovalState decision, String reason) implements ChatEvent {

        /** As the wires show it, and the message keeps it: no wire has a part of its own for it. */
        public Data shown() {
            JsonText data = new JsonText(96).ascii("{\"toolCallId\":").string(callId).ascii(",\"state\":\"")
                    .ascii(decision.wireName()).ascii('"');
            if (reason != null) {
                data.ascii(",\"reason\":").string(reason);
            }
            return new Data("data-tool-approval", approvalId, new RawJson(data.ascii('}').toString()));
        }
    }

    record ToolSucceeded(String callId, RawJson output) implements ChatEvent {}

    record ToolFailed(String callId, String errorText) implements ChatEvent {}

    record ToolDenied(String callId) implements ChatEvent {}

    /**
     * Whatever has no place of its own, so that nothing Inkeep says is dropped.
     *
     * @param type begins with {@code data-}
     * @param id   of the part that it replaces, or null
     */
    record Data(String type, String id, RawJson data) implements ChatEvent {}

    /**
     * The turn's one end.
     *
     * @param finishReason null unless it completed
     * @param usage        null where the upstream gave none
     * @param failure      null if it completed or was cancelled
     */
    record Ended(Outcome outcome, FinishReason finishReason, Usage usage, Failure failure) implements ChatEvent {

        public static Ended completed(FinishReason reason, Usage usage) {
            return new Ended(Outcome.COMPLETED, reason, usage, null);
        }

        public static Ended failed(Failure failure) {
            return new Ended(Outcome.FAILED, null, null, failure);
        }

        /** @param usage as far as it is known, or null */
        public static Ended cancelled(Usage usage) {
            return new Ended(Outcome.CANCELLED, null, usage, null);
        }
    }

}
