/**
 * The durable event log of turns: numbering, group commit, feeds. Owner of the table {@code turn_event}. It knows turns and events, and
 * nothing of what a conversation is or what an event means.
 *
 * <pre>
 * {@link io.chatrelay.journal.TurnLog#append} → pending of the turn          any thread, bounded by bytes
 *        {@link io.chatrelay.journal.JournalWriter}   → one transaction for all turns, fenced by the {@link io.chatrelay.cluster.Lease}
 *        {@link io.chatrelay.journal.TurnChannel}  → the committed tail in memory, wakes the readers
 *        {@link io.chatrelay.journal.FeedReader}    → pulls from the tail, or from {@link io.chatrelay.journal.EventTable} once it fell behind
 * </pre>
 */
package io.chatrelay.journal;
