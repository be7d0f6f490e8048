package io.chatrelay.api;

/** How a stream behaves when its turn waits for an approval. */
public enum ApprovalBehavior {

    /**
     * The stream ends as if the answer were complete. The request with the decision receives the following events. Plain {@code useChat} needs
     * this.
     */
    PAUSE,
    /** The stream stays open. */
    WAIT;

    /**
     * Parses the query parameter {@code approvals}.
     *
     * @param otherwise the value if the parameter is missing
     */
    public static ApprovalBehavior of(String approvals, ApprovalBehavior otherwise) {
        if (approvals == null) {
            return otherwise;
        }
        return switch (approvals) {
            case "pause" -> PAUSE;
            case "wait" -> WAIT;
            default -> throw Problems.invalid("approvals", "must be pause or wait");
        };
    }

    /** Rejects {@code pause} for a protocol whose clients do not support it. */
    public static void refusePause(String approvals) {
        if (of(approvals, WAIT) == PAUSE) {
            throw Problems.invalid("approvals",
                    "can be pause on the AI SDK's wire only: no client of this one goes on after it");
        }
    }
}
