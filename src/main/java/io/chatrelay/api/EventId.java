package io.chatrelay.api;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The position of an event, as in the SSE {@code id}: the turn's ordinal in its conversation and the event's number, {@code 3.17}. A
 * number alone is valid if another field names the turn, or for the running turn. If one event is several frames, each frame has its own
 * position, {@code 3.17.2}: the next frame may belong to the same event.
 *
 * @param ordinal the turn's ordinal, or null for a number alone
 * @param frame   the frame's number in the event, from 1; 0 for the whole event
 */
record EventId(Integer ordinal, long number, int frame) {

    private static final Pattern PLACE = Pattern
            .compile("(?:([1-9][0-9]{0,8})\\.)?([0-9]{1,18})|([1-9][0-9]{0,8})\\.([1-9][0-9]{0,17})\\.([1-9][0-9]{0,5})");

    /** @param field the field that contains it, for errors */
    static EventId of(String field, String text) {
        Matcher place = PLACE.matcher(text.strip());
        if (!place.matches()) {
            throw Problems.invalid(field, "must be the id of an event as the stream told it (3.17), or an event's number");
        }
        if (place.group(5) != null) {
            return new EventId(Integer.valueOf(place.group(3)), Long.parseLong(place.group(4)),
                    Integer.parseInt(place.group(5)));
        }
        return new EventId(place.group(1) == null ? null : Integer.valueOf(place.group(1)), Long.parseLong(place.group(2)), 0);
    }

    /** The number of the last event that the reader has completely. */
    long after() {
        return frame == 0 ? number : number - 1;
    }
}
