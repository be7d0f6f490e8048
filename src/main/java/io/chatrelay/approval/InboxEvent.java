package io.chatrelay.approval;

/** What a reader of the inbox is told, with the position after it. */
public sealed interface InboxEvent {

    InboxPosition position();

    /** An entry in its newest state, as a list shows it. */
    record Entry(ApprovalView approval, InboxPosition position) implements InboxEvent {}

    /** All that was pending when the reader came has been told; changes follow. */
    record Listed(InboxPosition position) implements InboxEvent {}
}
