package io.chatrelay.support;

import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.RawJson;

/** Events of calls whose ids are the upstream's own. */
public final class CallEvents {

    private CallEvents() {}

    public static ToolInputStarted started(String id, String toolName) {
        return new ToolInputStarted(new Call(0, id, id), toolName);
    }

    /** Of a call that its upstream runs. */
    public static ToolCalled called(String id, String toolName, RawJson input, int number) {
        return new ToolCalled(new Call(number, id, id), toolName, input, false);
    }

    /** Of a call that the caller is to run. */
    public static ToolCalled calledForCaller(String id, String toolName, RawJson input, int number) {
        return new ToolCalled(new Call(number, id, id), toolName, input, true);
    }

    public static ApprovalRequested asked(String approvalId, String callId) {
        return new ApprovalRequested(approvalId, callId, approvalId);
    }
}
