/**
 * A turn's life: {@link io.chatrelay.turn.Turns} accepts a message, {@link io.chatrelay.turn.TurnRunner} runs it, hands it over and takes turns
 * over, {@link io.chatrelay.turn.Cancellation} stops it. What decides is plain Java ({@link io.chatrelay.turn.RunningTurn}); beans connect, keep
 * time and open transactions. It knows no HTTP, no vendor and no JSON tree.
 */
package io.chatrelay.turn;
