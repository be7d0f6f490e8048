/**
 * What a conversation is and what may happen to it. What decides is plain Java ({@link io.chatrelay.chat.Transcript},
 * {@link io.chatrelay.chat.RunningTurn}); beans connect, keep time and open transactions. It knows no HTTP, no vendor and
 * no JSON tree.
 */
package io.chatrelay.chat;
