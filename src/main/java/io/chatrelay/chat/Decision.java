package io.chatrelay.chat;

/**
 * What was decided about one call, as an upstream is told it. An approval that expired is a denial here.
 *
 * @param callId     of the call that asked
 * @param approvalId under which it asked
 * @param toolName   the tool's name
 * @param reason     for the agent, or null
 */
public record Decision(String callId, String approvalId, String toolName, boolean approved, String reason) {}
