package io.chatrelay.limit;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;

/**
 * How much each caller may ask for. Nothing is limited unless it is set: the right figure depends on what Inkeep and the replicas can do, and
 * a default would refuse callers after an upgrade.
 */
@ConfigMapping(prefix = "chat-relay.limits")
public interface LimitsConfig {

    /** The limits of a caller that has none of its own. Each caller has these figures for itself; callers share nothing. */
    @WithName("default")
    OfCaller defaults();

    /** Limits of a caller by its name. What is not set here is as in the default; a large number lifts the default. */
    Map<String, OfCaller> callers();

    /** The limits of one caller. */
    interface OfCaller {

        /**
         * Requests a second on one replica, any of the API's calls. Divide what all replicas may take by their number. Higher: the replica's CPU
         * and the database's connections are the limit. Lower: more requests are answered with 429.
         */
        @Between(least = "1", most = "1000000")
        OptionalInt requestsPerSecond();

        /**
         * Requests at once after a pause, which the rate then fills up again; as many as the rate gives in a second unless set. Higher: a page that
         * loads its lists together is not refused. Lower: requests are spread more evenly.
         */
        @Between(least = "1", most = "1000000")
        OptionalInt burst();

        /**
         * Turns that run at the same time, on all replicas together; one that waits for an approval runs. Higher: the caller takes more of Inkeep's
         * capacity from others. Lower: its users wait.
         */
        @Between(least = "1", most = "1000000")
        OptionalInt runningTurns();

        /**
         * Streams that are open at the same time on one replica, of those who sent and those who only read. A user may have several tabs, and a
         * connection that broke is noticed late. Higher: one caller may take all of {@code chat-relay.connections.max}.
         */
        @Between(least = "1", most = "1000000")
        OptionalInt openStreams();

        /**
         * Tokens of the answers of one day (UTC), prompt and completion, as the upstreams count them, on all replicas together. A turn whose use is
         * not told counts nothing, so this holds for upstreams alone that tell it. What a turn will use is not known when it begins: the turns that
         * run when the figure is reached go on, and new ones are refused.
         */
        @Between(least = "1", most = "1000000000000")
        Optional<Long> tokensPerDay();
    }

    /** What one replica takes, whoever asks. Above it a new turn is a 503; reads and decisions go on. */
    Replica replica();

    /** The limits of a replica. */
    interface Replica {

        /**
         * Turns that run on one replica. Turns of a replica that is gone are taken over beyond it. Higher: more memory, some tens of kilobytes a
         * turn, and later answers. Lower: turns are refused that there would be room for.
         */
        @Between(least = "1", most = "1000000")
        OptionalInt runningTurns();

        /** Streams that are open on one replica. Beside it, {@code chat-relay.connections.max} bounds connections of every kind. */
        @Between(least = "1", most = "1000000")
        OptionalInt openStreams();

        /**
         * How late an event loop may run what is due before new turns are refused. Streams are later by as much. Higher: a replica that has too much to
         * do takes still more. Lower: a pause of the garbage collector refuses turns; 500 ms is longer than those of most heaps.
         */
        @Between(least = "1ms", most = "1m")
        Optional<Duration> maxEventLoopLag();
    }

    /**
     * How often each replica adds the tokens that it has counted to the database, and reads what the others have added. Longer: a caller may go
     * further beyond its tokens on several replicas, and a process that dies loses more of what it has counted. Shorter: more statements.
     */
    @WithDefault("1s")
    @Between(least = "1s", most = "10m")
    Duration tokensEvery();
}
