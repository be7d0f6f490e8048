package io.chatrelay.approval;

import java.util.List;

/**
 * A page of approvals, newest first.
 *
 * @param more whether there are older ones
 */
public record ApprovalPage(List<ApprovalView> approvals, boolean more) {}
