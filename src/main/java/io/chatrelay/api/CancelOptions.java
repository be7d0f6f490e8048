package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.access.Caller;

/**
 * The caller's options for running turns, its own or another caller's. The body states them, else a header, because many clients cannot add
 * a field to the body; else the caller's configuration applies.
 *
 * @param leavingStops    whether the turn is cancelled when its caller disconnects. By default the caller only detaches
 * @param replacesRunning whether a turn that runs in the conversation is cancelled for this one. By default this one is rejected
 * @param replacesSame    whether this is so even if the same message began that turn: only the body can state it for a single message
 */
record CancelOptions(boolean leavingStops, boolean replacesRunning, boolean replacesSame) {

    private static final String CANCEL = "cancel";

    static CancelOptions of(JsonBody body, HttpHeaders http, Caller caller) {
        return new CancelOptions(cancels(body, http, "onDisconnect", "x-on-disconnect", "detach", caller.leavingStops()),
                cancels(body, http, "onRunning", "x-on-running", "refuse", caller.replacesRunning()),
                CANCEL.equals(body.text("onRunning")));
    }

    private static boolean cancels(JsonBody body, HttpHeaders http, String field, String header, String otherwise,
            boolean configured) {
        String inBody = body.text(field);
        if (inBody != null) {
            return cancels(field, inBody, otherwise);
        }
        String inHeader = http.getHeaderString(header);
        return inHeader == null ? configured : cancels(header, inHeader.strip(), otherwise);
    }

    private static boolean cancels(String name, String value, String otherwise) {
        if (!value.equals(CANCEL) && !value.equals(otherwise)) {
            throw Problems.invalid(name, "must be %s or %s".formatted(CANCEL, otherwise));
        }
        return value.equals(CANCEL);
    }
}
