/**
 * Conversations and their messages, and the history that is sent to an upstream without memory. Owns the tables {@code conversation} and
 * {@code message}. The turns of a conversation belong to the package {@code turn}.
 */
package io.chatrelay.conversation;
