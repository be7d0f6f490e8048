/**
 * Conversations and their messages, and the history that an upstream without memory is given. Owner of the tables {@code conversation} and
 * {@code message}. What runs in a conversation belongs to the room above.
 */
package io.chatrelay.conversation;
