/**
 * The HTTP edge: resources, requests and replies, protocols, errors. It contains no business rules and no SQL.
 *
 * <pre>
 * {@link io.chatrelay.api.JsonBody}       bytes → JSON, within limits
 * {@link io.chatrelay.api.ChatRequest}    JSON → a command; every field is checked, an error names the field
 * {@link io.chatrelay.turn.Turns#send}     from here on the turn belongs to the server
 * {@link io.chatrelay.api.TurnStream}     a turn's committed events → the caller's protocol, or
 * {@link io.chatrelay.api.TurnReply}      the turn's end → one JSON
 * {@link io.chatrelay.api.ErrorBody}      formats all errors
 * </pre>
 */
package io.chatrelay.api;
