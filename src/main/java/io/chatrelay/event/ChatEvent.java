package io.chatrelay.event;

import org.jspecify.annotations.Nullable;

/**
 * An event of a turn. Two folds read the sequence of a turn's events: {@link Transcript} builds the assistant's message that is stored,
 * and a protocol's frame writer builds the caller's stream. An event may be no frame, one or several. Names follow the AI SDK's stream parts where the SDK has a term.
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
 * A turn that the upstream rejected is a single {@code Ended}.
 */
public sealed interface ChatEvent {

    /** An event beside the answer's text. Every protocol without a field of its own for it shows it as a part of the same shape. */
    sealed interface SidePart extends ChatEvent {}

    /**
     * The upstream has sent its first event.
     *
     * @param upstreamMessageId the upstream's own id of the answer, or null if it gives none
     */
    record Started(@Nullable String upstreamMessageId) implements ChatEvent {}

    /** A call of the model begins: its text, its tool calls, and their outcomes. */
    record StepStarted() implements ChatEvent {}

    record StepFinished() implements ChatEvent {}

    /** A run of text begins; its id is unique in the turn. */
    record TextStarted(String id) implements ChatEvent {}

    record TextDelta(String id, String text) implements ChatEvent {}

    record TextEnded(String id) implements ChatEvent {}

    /** The model begins to output its reasoning, which is not part of the answer's text. Its id is unique in the turn. */
    record ReasoningStarted(String id) implements ChatEvent {}

    record ReasoningDelta(String id, String text) implements ChatEvent {}

    record ReasoningEnded(String id) implements ChatEvent {}

    /**
     * A tool call of the turn. Upstreams reuse an id within a turn, so a call also has a number and an id of this service.
     *
     * @param number     its index among the turn's calls, from 0
     * @param id         the id that callers see: unique in the turn, and {@linkplain PrintableName#isName a name}. It is the upstream's id if that
     *                   meets both conditions
     * @param upstreamId the id that the upstream uses
     */
    record Call(int number, String id, String upstreamId) {}

    record ToolInputStarted(Call call, String toolName) implements ChatEvent {

        public String callId() {
            return call.id();
        }
    }

    record ToolInputDelta(String callId, String text) implements ChatEvent {}

    /**
     * The input of a call was rejected or is incomplete: the call has ended.
     *
     * @param input the input received so far, as JSON: a JSON string if it is not JSON
     */
    record ToolInputFailed(Call call, String toolName, RawJson input, String errorText) implements SidePart {

        public String callId() {
            return call.id();
        }
    }

    /**
     * A tool is called, and its input is complete.
     *
     * @param callerRuns whether the caller runs the tool; false if the upstream runs it
     */
    record ToolCalled(Call call, String toolName, RawJson input, boolean callerRuns) implements SidePart {

        public String callId() {
            return call.id();
        }
    }

    /**
     * A call waits for approval.
     *
     * @param approvalId         the id under which callers decide it, unique in the turn
     * @param upstreamApprovalId the id under which the upstream requested it
     */
    record ApprovalRequested(String approvalId, String callId, String upstreamApprovalId) implements SidePart {}

    /**
     * The ledger has recorded a decision. Only this service creates this event; no upstream sends it.
     *
     * @param state  the wire name of an {@link ApprovalState}, or a later version's name for a decision that this version does not know
     * @param reason the reason given with the decision, or null
     */
    record ApprovalDecided(String approvalId, String callId, String state, @Nullable String reason) implements ChatEvent {

        public ApprovalDecided(String approvalId, String callId, ApprovalState state, @Nullable String reason) {
            this(approvalId, callId, state.wireName(), reason);
        }

        /** Whether the call may run. An unknown decision does not count as an approval. */
        public boolean approved() {
            return state.equals(ApprovalState.APPROVED.wireName());
        }

        /** The decision as a data part, for the protocols and the stored message: no protocol has a part type of its own for it. */
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
     * An event that has no type of its own, so that no output of the upstream is lost.
     *
     * @param type begins with {@code data-}
     * @param id   the id of the part that it replaces, or null
     * @param isTransient whether it is published but not stored in the message
     */
    record Data(String type, @Nullable String id, RawJson data, boolean isTransient) implements SidePart {

        /** A piece of the model's refusal, as a JSON string: OpenAI has a member for it, the AI SDK does not. */
        public static final String REFUSAL = "data-refusal";

        public Data(String type, @Nullable String id, RawJson data) {
            this(type, id, data, false);
        }
    }

    /**
     * An event of a kind that only a later version of this service knows, while both versions run. It keeps its number. No protocol shows it, and
     * it changes no fold.
     *
     * @param line the event as it is stored
     */
    record Unknown(String line) implements ChatEvent {}

    /**
     * The end of the turn; each turn has exactly one.
     *
     * @param finishReason null unless the turn completed
     * @param usage        null if the upstream gave none
     * @param failure      null if the turn completed or was cancelled
     */
    record Ended(Outcome outcome, @Nullable FinishReason finishReason, @Nullable Usage usage,
            @Nullable Failure failure) implements ChatEvent {

        public static Ended completed(FinishReason reason, @Nullable Usage usage) {
            return new Ended(Outcome.COMPLETED, reason, usage, null);
        }

        public static Ended failed(Failure failure) {
            return new Ended(Outcome.FAILED, null, null, failure);
        }

        /** @param usage the usage known so far, or null */
        public static Ended cancelled(@Nullable Usage usage) {
            return new Ended(Outcome.CANCELLED, null, usage, null);
        }

        /** A copy whose failure {@linkplain Failure#at names the upstream}. */
        public Ended at(String upstream) {
            return failure == null ? this : new Ended(outcome, finishReason, usage, failure.at(upstream));
        }
    }

}
