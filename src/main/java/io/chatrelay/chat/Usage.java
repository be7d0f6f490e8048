package io.chatrelay.chat;

/** Tokens that an answer cost, as the upstream counted them. */
public record Usage(long promptTokens, long completionTokens, long totalTokens) {}
