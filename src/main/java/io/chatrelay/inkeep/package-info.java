/**
 * Everything specific to Inkeep: its two APIs, their decoders, and how each API rejects requests and ends answers. Inkeep's types are translated
 * here, and no other package uses them.
 *
 * <pre>
 * {@link io.chatrelay.inkeep.AgentsUpstream}, {@link io.chatrelay.inkeep.CloudUpstream}   a question → a request
 *   {@link io.chatrelay.inkeep.AgentsRun}         one turn at Agents, and the decisions that are delivered to it
 *     {@link io.chatrelay.inkeep.ApprovalCalls}     a decision → a call, in one of three ways
 *       {@link io.chatrelay.inkeep.RunApiCalls}        makes short calls through {@link io.chatrelay.inkeep.InkeepRunApi}, bounded
 *     {@link io.chatrelay.inkeep.ServerVersionProbe}       which of these ways the server supports
 *     {@link io.chatrelay.inkeep.RunFollower}            continues to read a run whose process, or connection, is gone
 *       {@link io.chatrelay.inkeep.FollowPatience}         when it reads again, and when the run is lost
 *       {@link io.chatrelay.inkeep.RereadComparison}       whether a read repeats the known events
 *       {@link io.chatrelay.inkeep.EventHashChain}             the known events of the run, for comparison
 *   {@link io.chatrelay.inkeep.AnswerStream}      sends, retries before the first event, reads on demand
 *     {@link io.chatrelay.inkeep.RetryPolicy}       what follows an attempt without an answer
 *     {@link io.chatrelay.inkeep.SseDecoder}        bytes → frames, bounded
 *       {@link io.chatrelay.inkeep.AnswerDecoder}     frames → chat events, a pure function of the frames
 *   {@link io.chatrelay.inkeep.Transport}         TLS and proxy, for streams and short calls
 * </pre>
 */
package io.chatrelay.inkeep;
