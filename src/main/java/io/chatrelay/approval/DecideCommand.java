package io.chatrelay.approval;

import java.util.List;

import io.chatrelay.event.RawJson;

/**
 * Answers to approvals of one conversation, as they came from a caller: all are taken, or none.
 *
 * @param caller  who decides
 * @param endUser for whom, or null
 * @param of      the turn whose approvals are answered
 * @param answers at least one, each of another call
 */
public record DecideCommand(String tenant, String caller, String conversationId, String endUser, OfTurn of,
        List<Answer> answers) {

    /**
     * A turn, as the caller names it: a model may use a call's id in several.
     *
     * @param field where in the request the id stands, for errors
     * @param id    its own, or that of the assistant's message that it answers with; null where the caller names none
     */
    public record OfTurn(String field, String id, boolean isMessage) {}

    /**
     * @param field       where in the request the decision stands, for errors
     * @param callField   where the call's id does
     * @param digestField where the digest does, or would
     * @param reason      for the agent, or null
     * @param inputDigest what the decider was shown, in lower-case hex, or null
     * @param input       what the decider was shown, or null
     */
    public record Answer(String field, String callField, String digestField, String toolCallId, boolean approved, String reason,
            String inputDigest, RawJson input) {}
}
