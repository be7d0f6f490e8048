/**
 * The events of a turn and their folds: {@link io.chatrelay.event.ChatEvent}, its codec, and the values that events and messages consist of.
 * Every other package uses this vocabulary. This package does not depend on upstreams, tables or HTTP.
 */
package io.chatrelay.event;
