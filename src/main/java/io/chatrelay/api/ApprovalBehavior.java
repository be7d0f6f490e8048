package io.chatrelay.api;

/** What a stream does where its turn waits for an approval. */
public enum ApprovalBehavior {

    /** It ends as if the answer were whole; the answer's own request is answered by what follows. What plain {@code useChat} needs. */
    PAUSE,
    /** It stays open. */
    WAIT;

    /**
     * The query parameter {@code approvals}.
     *
     * @param otherwise where it is not there
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

    /** For OpenAI's wire, whose clients know no pause. */
    public static void refusePause(String approvals) {
        if (of(approvals, WAIT) == PAUSE) {
            throw Problems.invalid("approvals",
                    "can be pause on the AI SDK's wire only: no client of this one goes on after it");
        }
    }
}
