package io.chatrelay.chat;

import java.util.List;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;

/**
 * The ledger of approvals, as callers see and answer it. What is another tenant's is not found. The first decision wins, by
 * compare-and-set; the same again is answered the same, a contrary one is refused with what is recorded.
 */
@ApplicationScoped
public class Approvals {

    /**
     * Records answers to approvals, all or none. A decision is stored when this returns, and sent after that.
     *
     * @throws ChatException if one cannot be taken: nothing is stored then
     */
    public List<Decided> decide(DecideCommand command) {
        throw new UnsupportedOperationException("in work");
    }

    /**
     * A page of the tenant's approvals, newest first.
     *
     * @param state        or empty for all
     * @param conversation the callers' id of one conversation, or null for all; not found if it is not the tenant's
     * @param before       the id of the last one of the page before, or null
     */
    public List<ApprovalView> list(String tenant, Optional<ApprovalState> state, String conversation, UUID before, int limit) {
        throw new UnsupportedOperationException("in work");
    }

    public ApprovalView get(String tenant, UUID id) {
        throw new UnsupportedOperationException("in work");
    }

    /** Those of a turn that nobody has decided yet, in the order in which they were asked. */
    public List<ApprovalView> open(UUID turn) {
        throw new UnsupportedOperationException("in work");
    }
}
