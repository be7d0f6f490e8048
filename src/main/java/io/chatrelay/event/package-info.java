/**
 * What can happen in a turn, and what is made of it: {@link io.chatrelay.event.ChatEvent}, its codec, and the building blocks of its folds. It is
 * the vocabulary of every other room, and knows no upstream, no table and no HTTP.
 */
package io.chatrelay.event;
