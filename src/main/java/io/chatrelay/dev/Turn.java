package io.chatrelay.dev;

/**
 * A request as a script sees it.
 *
 * @param key      what "the first TIMES requests" are counted by: the conversation, or where there is none the text
 * @param text     the last user message
 * @param messages how many the model would see: of the user in this conversation (Agents), in the request (Cloud)
 */
record Turn(String key, String text, long messages) {}
