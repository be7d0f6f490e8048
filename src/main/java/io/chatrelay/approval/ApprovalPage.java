package io.chatrelay.approval;

import java.util.List;

/**
 * A page of approvals, newest first.
 *
 * @param more whether older approvals exist
 */
public record ApprovalPage(List<ApprovalView> approvals, boolean more) {}
