package io.chatrelay.event;

/**
 * What can happen in a turn. Events of a turn are a sequence with two folds over it: what is stored as the assistant's
 * message ({@link Transcript}), and what a caller's wire shows. One event is at most one frame on each wire, so an event's
 * number never splits. Names follow the AI SDK's stream parts where the field has a term.
 *
 * <pre>
 * Started ( StepStarted ( TextStarted TextDelta* TextEnded
 *                       | ReasoningStarted ReasoningDelta* ReasoningEnded
 *                       | ToolInputStarted ToolInputDelta*
 *                         ( ToolCalled [ApprovalRequested [ApprovalDecided]] (ToolSucceeded|ToolFailed|ToolDenied)
 *                         | ToolInputFailed )
 *                       | Data )* StepFinished )* Ended
 * </pre>
 *
 * A turn that the upstream refused is a lone {@code Ended}.
 */
public sealed interface ChatEvent {

    /** What is told beside the answer's text: a part of the same shape on every wire that has no place of its own for it. */
    sealed interface SidePart extends ChatEvent {}

    /**
     * The upstream's first event is here.
     *
     * @param upstreamMessageId the upstream's own id of the answer, or null where it gives none
     */
    record Started(String upstreamMessageId) implements ChatEvent {}

    /** A call of the model begins: text and tool calls until the outcomes of these calls. */
    record StepStarted() implements ChatEvent {}

    record StepFinished() implements ChatEvent {}

    /** A run of text begins; its id is unique in the turn. */
    record TextStarted(String id) implements ChatEvent {}

    record TextDelta(String id, String text) implements ChatEvent {}

    record TextEnded(String id) implements ChatEvent {}

    /** The model begins to reason aloud; what it says so is no part of the answer's text. Its id is unique in the turn. */
    record ReasoningStarted(String id) implements ChatEvent {}

    record ReasoningDelta(String id, String text) implements ChatEvent {}

    record ReasoningEnded(String id) implements ChatEvent {}

    /**
     * A call of the turn. Upstreams use an id again within a turn, so a call has a number and an id of ours.
     *
     * @param number     its place among the turn's calls, from 0
     * @param id         by which callers know it: unique in the turn, and {@linkplain PrintableName#isName a name}. It is the upstream's own where
     *                   that is both
     * @param upstreamId by which the upstream knows it
     */
    record Call(int number, String id, String upstreamId) {}

    record ToolInputStarted(Call call, String toolName) implements ChatEvent {

        public String callId() {
            return call.id();
        }
    }

    record ToolInputDelta(String callId, String text) implements ChatEvent {}

    /**
     * The input of a call was refused, or never became whole: the call is over.
     *
     * @param input as far as it came, as JSON: a string where it is no JSON itself
     */
    record ToolInputFailed(Call call, String toolName, RawJson input, String errorText) implements SidePart {

        public String callId() {
            return call.id();
        }
    }

    /**
     * A tool is called, its input is whole.
     *
     * @param callerRuns whether the caller is to run it: an upstream's own calls run there
     */
    record ToolCalled(Call call, String toolName, RawJson input, boolean callerRuns) implements SidePart {

        public String callId() {
            return call.id();
        }
    }

    /**
     * A call waits for a yes.
     *
     * @param approvalId         under which callers answer it, unique in the turn
     * @param upstreamApprovalId under which the upstream asked
     */
    record ApprovalRequested(String approvalId, String callId, String upstreamApprovalId) implements SidePart {}

    /**
     * The ledger has a decision. This service's own event: no upstream sends it.
     *
     * @param state  the wire name of an {@link ApprovalState}, or a later version's name for a decision that is not known here
     * @param reason given with it, or null
     */
    record ApprovalDecided(String approvalId, String callId, String state, String reason) implements ChatEvent {

        public ApprovalDecided(String approvalId, String callId, ApprovalState state, String reason) {
            this(approvalId, callId, state.wireName(), reason);
        }

        /** Whether the call may run. A decision that is not known is no approval. */
        public boolean approved() {
            return state.equals(ApprovalState.APPROVED.wireName());
        }

        /** As the wires show it, and the message keeps it: no wire has a part of its own for it. */
        public Data shown() {
            JsonWriter data = new JsonWriter(96).ascii("{\"toolCallId\":").string(callId).ascii(",\"state\":")
                    .string(state);
            if (reason != null) {
                data.ascii(",\"reason\":").string(reason);
            }
            return new Data("data-tool-approval", approvalId, new RawJson(data.ascii('}').toString()));
        }
    }

    record ToolSucceeded(String callId, RawJson output) implements SidePart {}

    record ToolFailed(String callId, String errorText) implements SidePart {}

    record ToolDenied(String callId) implements SidePart {}

    /**
     * Whatever has no place of its own, so that nothing the upstream says is dropped.
     *
     * @param type begins with {@code data-}
     * @param id   of the part that it replaces, or null
     * @param isTransient whether it is told and not kept
     */
    record Data(String type, String id, RawJson data, boolean isTransient) implements SidePart {

        /** A piece of the model's refusal, a JSON string: OpenAI has a member for it, the AI SDK has not. */
        public static final String REFUSAL = "data-refusal";

        public Data(String type, String id, RawJson data) {
            this(type, id, data, false);
        }
    }

    /**
     * An event of a kind that only a later version of this service knows, while both serve. It keeps its number, no wire shows it, and no
     * fold is changed by it.
     *
     * @param line as it is stored
     */
    record Unknown(String line) implements ChatEvent {}

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

        /** The same, whose failure {@linkplain Failure#at names the upstream}. */
        public Ended at(String upstream) {
            return failure == null ? this : new Ended(outcome, finishReason, usage, failure.at(upstream));
        }
    }

}
