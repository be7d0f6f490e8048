/**
 * Everything that knows Inkeep: two clients, their decoders, how each refuses and ends. Its types are translated here, at
 * the door, and known to nobody else.
 *
 * <pre>
 * {@link io.chatrelay.inkeep.AgentsUpstream}, {@link io.chatrelay.inkeep.CloudUpstream}   a question → a request
 *   {@link io.chatrelay.inkeep.AgentsRun}         one turn at Agents, and the decisions that it is told
 *     {@link io.chatrelay.inkeep.ApprovalCalls}     a decision → a call, in one of three ways
 *     {@link io.chatrelay.inkeep.ServerVersionProbe}       which of them the server knows
 *     {@link io.chatrelay.inkeep.RunFollower}            follows a run further whose process, or connection, is gone
 *       {@link io.chatrelay.inkeep.EventHashChain}             what is known of it, to be compared
 *   {@link io.chatrelay.inkeep.AnswerStream}      sends, retries before the first event, reads by demand
 *     {@link io.chatrelay.inkeep.SseDecoder}        bytes → frames, bounded
 *       {@link io.chatrelay.inkeep.AnswerDecoder}     frames → chat events, a pure function of the frames
 * </pre>
 */
package io.chatrelay.inkeep;
