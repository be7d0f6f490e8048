/**
 * The ledger of approvals: an approval is requested, decided, delivered, or expires. Owns the table {@code tool_approval}. It knows a waiting turn
 * only as an interface.
 */
package io.chatrelay.approval;
