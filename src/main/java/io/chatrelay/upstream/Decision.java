package io.chatrelay.upstream;

/**
 * What was decided about one call, as an upstream is told it. An approval that expired is a denial here.
 *
 * @param number     the call's place among the turn's calls: ids are used again. -1 where it is not known
 * @param callId     of the call that asked, as the upstream knows it
 * @param approvalId under which it asked there
 * @param toolName   the tool's name
 * @param reason     for the agent, or null
 */
public record Decision(int number, String callId, String approvalId, String toolName, boolean approved, String reason) {}
