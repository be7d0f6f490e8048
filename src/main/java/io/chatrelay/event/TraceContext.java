package io.chatrelay.event;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * The place of a turn in a distributed trace, as two HTTP headers carry it to the upstream. Source: W3C Trace Context, level 1.
 *
 * @param traceparent version 00: the id of the trace, that of the turn's span, and the flags
 * @param tracestate  of the tracing systems that the trace has passed, at most {@value #LONGEST_STATE} characters; null if there is none
 */
public record TraceContext(String traceparent, @Nullable String tracestate) {

    /** What the standard asks everyone to pass on at least; a longer state is left out as a whole, which it permits. */
    static final int LONGEST_STATE = 512;
    private static final Pattern PARENT = Pattern.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
    /** Printable, as a header's value is. */
    private static final Pattern STORED = Pattern.compile("([^ ]+)(?: ([\\x20-\\x7e]+))?");

    /** @throws IllegalArgumentException if the parent is not valid */
    public TraceContext {
        if (!PARENT.matcher(traceparent).matches()) {
            throw new IllegalArgumentException("no traceparent");
        }
        if (tracestate != null && (tracestate.isEmpty() || tracestate.length() > LONGEST_STATE)) {
            tracestate = null;
        }
    }

    /** As it is stored with the turn. */
    public String stored() {
        return tracestate == null ? traceparent : traceparent + ' ' + tracestate;
    }

    /** What is stored; null if nothing is, or nothing that this version understands. */
    public static @Nullable TraceContext read(@Nullable String stored) {
        if (stored == null) {
            return null;
        }
        Matcher parts = STORED.matcher(stored);
        return parts.matches() && PARENT.matcher(parts.group(1)).matches()
                ? new TraceContext(parts.group(1), parts.group(2))
                : null;
    }
}
