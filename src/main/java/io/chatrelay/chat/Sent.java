package io.chatrelay.chat;

/**
 * A command that was accepted, or had been before.
 *
 * @param attached whether it repeats one: the turn was there already
 */
public record Sent(Turn turn, boolean attached) {}
