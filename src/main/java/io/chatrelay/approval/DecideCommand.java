package io.chatrelay.approval;

import java.util.List;

import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;

/**
 * Answers to approvals of one conversation, as received from a caller: all are accepted, or none.
 *
 * @param scope   the conversations whose approvals the caller may decide
 * @param caller  that decides, as its key names it: this is recorded, and not what its request says
 * @param mayDecide whether it has the role for decisions
 * @param endUser for whom the caller decides, or null
 * @param of      the turn whose approvals are answered
 * @param answers at least one, each for a different call
 */
public record DecideCommand(Scope scope, String caller, boolean mayDecide, String conversationId, String endUser, OfTurn of,
        List<Answer> answers) {

    /** Who decides. */
    Person by() {
        return new Person(caller, endUser);
    }

    /**
     * A turn, as the caller names it: a model may use a call's id in several turns.
     *
     * @param field path of the id in the request, for errors
     * @param id    of the turn, or of the assistant's message that is its answer; null if the caller names no turn
     */
    public record OfTurn(String field, String id, boolean isMessage) {}

    /**
     * @param field       path of the decision in the request, for errors
     * @param callField   path of the call's id
     * @param digestField path of the digest, even if it is absent
     * @param reason      for the agent, or null
     * @param inputDigest of the input that the decider saw, in lower-case hex, or null
     * @param input       that the decider saw, or null
     */
    public record Answer(String field, String callField, String digestField, String toolCallId, boolean approved, String reason,
            String inputDigest, RawJson input) {}
}
