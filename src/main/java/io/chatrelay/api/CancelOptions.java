package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.access.Caller;

/**
 * What a caller wants of turns that it, or another one, has begun. The body says it, else a header, for many clients add no field to a body;
 * else what is configured for the caller.
 *
 * @param leavingStops    whether the turn is stopped when its caller disconnects. By itself the caller only detaches
 * @param replacesRunning whether a turn that runs in the conversation is stopped for this one. By itself this one is refused
 * @param replacesSame    whether it is, even where that turn was begun by the same message: only a body says so for one message alone
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
