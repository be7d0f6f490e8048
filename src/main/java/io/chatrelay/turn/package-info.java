/**
 * The life cycle of a turn: {@link io.chatrelay.turn.Turns} accepts a message, {@link io.chatrelay.turn.TurnRunner} runs, hands over and takes over
 * turns, {@link io.chatrelay.turn.Cancellation} cancels them. The logic is plain Java ({@link io.chatrelay.turn.RunningTurn}); beans connect it,
 * apply time-outs and open transactions. The package knows no HTTP, no vendor and no JSON tree.
 */
package io.chatrelay.turn;
