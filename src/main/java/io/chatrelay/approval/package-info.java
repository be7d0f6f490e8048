/**
 * The ledger of approvals: an approval is requested, decided, delivered, or expires. Owner of the table {@code tool_approval}. A turn that waits
 * is known by an interface only.
 */
package io.chatrelay.approval;
