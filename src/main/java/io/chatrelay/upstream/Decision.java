package io.chatrelay.upstream;

import org.jspecify.annotations.Nullable;

/**
 * The decision on one call, as it is sent to an upstream. An expired approval is a denial here.
 *
 * @param number     the call's position among the turn's calls, because ids are reused; -1 if unknown
 * @param callId     of the call that requested approval, as the upstream knows it
 * @param approvalId of the request, as the upstream knows it
 * @param toolName   the tool's name
 * @param reason     for the agent, or null
 */
public record Decision(int number, String callId, String approvalId, String toolName, boolean approved,
        @Nullable String reason) {}
