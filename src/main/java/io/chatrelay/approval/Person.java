package io.chatrelay.approval;

import io.chatrelay.upstream.Deciders;

/**
 * Who asked, or who decides: a caller, and the end user for whom it acts. End users are those of the tenant, so the same one may come by different
 * callers.
 *
 * @param endUser or null if the caller named none
 */
public record Person(String caller, String endUser) {

    /** Whether this person may decide what another one asked for. What is not known to be so is refused. */
    boolean mayDecide(Person asker, Deciders deciders) {
        return switch (deciders) {
            case ANYONE -> true;
            case REQUESTER -> asker.endUser == null ? endUser == null && caller.equals(asker.caller)
                    : asker.endUser.equals(endUser);
            case OTHER -> asker.endUser == null || endUser == null ? !caller.equals(asker.caller)
                    : !endUser.equals(asker.endUser);
        };
    }
}
