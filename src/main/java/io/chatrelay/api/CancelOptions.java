package io.chatrelay.api;

import java.util.Optional;
import java.util.function.Function;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.access.AccessConfig;
import io.chatrelay.access.Caller;
import io.chatrelay.event.OnRunning;

/**
 * The caller's options for running turns, its own or another caller's. The body states them, else a header, because many clients cannot add
 * a field to the body; else the caller's configuration applies.
 *
 * @param leavingStops whether the turn is cancelled when its caller disconnects. By default the caller only detaches
 * @param onRunning    what happens to the message while a turn runs in the conversation. By default it is rejected
 * @param replacesSame whether that turn is cancelled even if the same message began it: only the body can state it for a single message
 */
record CancelOptions(boolean leavingStops, OnRunning onRunning, boolean replacesSame) {

    private static final String CANCEL = "cancel";

    static CancelOptions of(JsonBody body, HttpHeaders http, Caller caller) {
        return new CancelOptions(
                option(body, http, "onDisconnect", "x-on-disconnect", CancelOptions::readLeaving, "cancel or detach")
                        .orElse(caller.leavingStops()),
                option(body, http, "onRunning", "x-on-running", CancelOptions::readRunning, "cancel, enqueue or refuse")
                        .orElseGet(() -> configured(caller.onRunning())),
                CANCEL.equals(body.text("onRunning")));
    }

    /** @param words what the option may be, for whoever wrote another word */
    private static <T> Optional<T> option(JsonBody body, HttpHeaders http, String field, String header,
            Function<String, Optional<T>> read, String words) {
        String inBody = body.text(field);
        String value = inBody != null ? inBody : http.getHeaderString(header);
        if (value == null) {
            return Optional.empty();
        }
        return Optional.of(read.apply(inBody != null ? value : value.strip())
                .orElseThrow(() -> Problems.invalid(inBody != null ? field : header, "must be " + words)));
    }

    private static Optional<Boolean> readLeaving(String word) {
        return switch (word) {
            case CANCEL -> Optional.of(true);
            case "detach" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    private static Optional<OnRunning> readRunning(String word) {
        return switch (word) {
            case CANCEL -> Optional.of(OnRunning.CANCEL);
            case "enqueue" -> Optional.of(OnRunning.ENQUEUE);
            case "refuse" -> Optional.of(OnRunning.REFUSE);
            default -> Optional.empty();
        };
    }

    private static OnRunning configured(AccessConfig.OnRunning configured) {
        return switch (configured) {
            case CANCEL -> OnRunning.CANCEL;
            case ENQUEUE -> OnRunning.ENQUEUE;
            case REFUSE -> OnRunning.REFUSE;
        };
    }
}
