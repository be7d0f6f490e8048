package io.chatrelay.limit;

import java.util.Locale;

/** What is limited for each caller. The name is the setting, the policy in {@code RateLimit} headers and the metric's tag. */
public enum Limit {

    /** Requests with a key, on this replica: a request is counted before it is read, and the other replicas are not asked. */
    REQUESTS_PER_SECOND,
    /** Turns that run or wait for an approval, on all replicas: they are counted in the database when a turn begins. */
    RUNNING_TURNS,
    /** Streams of events, on this replica: a stream belongs to the process that writes it. */
    OPEN_STREAMS,
    /** Tokens of answers that ended on this day of UTC, on all replicas: each adds what it has counted to the database once a second. */
    TOKENS_PER_DAY;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
