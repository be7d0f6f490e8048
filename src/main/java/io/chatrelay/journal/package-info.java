/**
 * The durable event log of turns: numbering, group commit, feeds. Owns the table {@code turn_event}. It handles turns and events, and does not
 * know what a conversation is or what an event means.
 *
 * <pre>
 * {@link io.chatrelay.journal.TurnLog#append} → pending of the turn          any thread, bounded by bytes
 *        {@link io.chatrelay.journal.JournalWriter}   → one transaction for all turns, fenced by the {@link io.chatrelay.cluster.Lease}
 *        {@link io.chatrelay.journal.TurnChannel}  → the committed tail in memory, wakes the readers
 *        {@link io.chatrelay.journal.FeedReader}    → pulls from the tail, or from {@link io.chatrelay.journal.EventTable} when it has fallen behind
 * </pre>
 */
@NullMarked
package io.chatrelay.journal;

import org.jspecify.annotations.NullMarked;
