package io.chatrelay.api;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import jakarta.ws.rs.core.HttpHeaders;

/**
 * The place of an event, as the SSE {@code id} names it: the turn's ordinal in its conversation and the event's number, {@code 3.17}. A
 * bare number counts where the turn is named otherwise, or for the turn that runs.
 *
 * @param ordinal the turn's, or null for a bare number
 */
record EventId(Integer ordinal, long number) {

    static final String LAST_EVENT_ID = "Last-Event-ID";
    private static final Pattern PLACE = Pattern.compile("(?:([1-9][0-9]{0,8})\\.)?([0-9]{1,18})");

    /** The last event that a client has seen, where its request says so. */
    static Optional<EventId> lastSeen(HttpHeaders http) {
        String id = http.getHeaderString(LAST_EVENT_ID);
        return id == null || id.isBlank() ? Optional.empty() : Optional.of(of(LAST_EVENT_ID, id));
    }

    /** @param field that holds it, for errors */
    static EventId of(String field, String text) {
        Matcher place = PLACE.matcher(text.strip());
        if (!place.matches()) {
            throw Problems.invalid(field, "must be the id of an event as the stream told it (3.17), or an event's number");
        }
        return new EventId(place.group(1) == null ? null : Integer.valueOf(place.group(1)), Long.parseLong(place.group(2)));
    }
}
