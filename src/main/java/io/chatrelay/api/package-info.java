/**
 * The HTTP edge: resources, requests and replies, the wires, the errors. It holds no rule and no SQL.
 *
 * <pre>
 * {@link io.chatrelay.api.JsonBody}       bytes → JSON, bounded
 * {@link io.chatrelay.api.ChatRequest}    JSON → a command, every field checked, the wrong one named
 * {@link io.chatrelay.turn.Turns#send}     from here on the turn belongs to the server
 * {@link io.chatrelay.api.TurnStream}     a turn's committed events → the caller's wire, or
 * {@link io.chatrelay.api.TurnReply}      the turn's end → one JSON
 * {@link io.chatrelay.api.ErrorBody}      the one funnel of everything that is refused
 * </pre>
 */
package io.chatrelay.api;
