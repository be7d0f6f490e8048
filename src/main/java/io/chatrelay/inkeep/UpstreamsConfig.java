package io.chatrelay.inkeep;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.chatrelay.config.Between;
import io.chatrelay.config.HttpUrl;
import io.chatrelay.upstream.Deciders;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** The configured Inkeep upstreams, by name. */
@ConfigMapping(prefix = "chat-relay")
public interface UpstreamsConfig {

    /** The upstream for a request with an unknown {@code model}; if it is not set, such a request is rejected. */
    Optional<String> defaultUpstream();

    Map<String, UpstreamConfig> upstreams();

    /** Which of Inkeep's two APIs the upstream is. */
    enum Kind {
        AGENTS,
        CLOUD
    }

    /** How Agents runs a turn. Source: {@code executionMode} of its run API. */
    enum ExecutionMode {
        CLASSIC,
        DURABLE
    }

    /** How a decision on a tool call is delivered to Agents. */
    enum ApprovalTransport {
        /** Detected from the server once, before its first run. */
        AUTO,
        /** {@code POST …/api/chat} with {@code approval-responded} parts: every server since March 2026. */
        PARTS,
        /** {@code POST …/api/executions/{id}/approvals/{toolCallId}}, in durable mode only; the rest of the answer is read again. */
        EXECUTIONS,
        /** {@code POST …/api/tool-approvals}: servers until March 2026, in classic mode only. */
        LEGACY
    }

    /** What is configured for one tool of an upstream. */
    interface ToolConfig {

        /** Who may decide whether it is called; beside the role {@code approve}, which everyone needs. */
        Deciders deciders();
    }

    /** One Inkeep upstream. */
    interface UpstreamConfig {

        /** Who may decide whether a tool is called that {@link #tools} does not name. */
        @WithDefault("anyone")
        Deciders deciders();

        /** Tools by their name, as the upstream names them. */
        Map<String, ToolConfig> tools();

        /** Who may decide whether this tool is called. */
        default Deciders decidersOf(String tool) {
            return tools().containsKey(tool) ? tools().get(tool).deciders() : deciders();
        }

        Kind kind();

        /** The URL up to and including {@code /run} (Agents; a legacy server has no {@code /run}) or {@code /v1} (Cloud). */
        @HttpUrl
        URI url();

        Optional<String> apiKey();

        /** Cloud: the models that callers may name; the first one is used if a caller names the upstream itself. */
        Optional<List<String>> models();

        /**
         * Cloud: whether every turn requests its usage ({@code stream_options.include_usage}), which is stored with the answer. A server that
         * rejects the field answers 400.
         */
        @WithDefault("true")
        boolean usage();

        /**
         * Names of request parameters that are accepted but not passed on, for frameworks that always send them and cannot be configured not
         * to: {@code temperature} to an agent, which decides for itself. Empty by default, because a silently dropped setting is discovered
         * only in production; each one here is dropped for every caller.
         */
        Optional<Set<String>> ignoredParameters();

        @WithDefault("classic")
        ExecutionMode executionMode();

        @WithDefault("auto")
        ApprovalTransport approvals();

        /**
         * Time after a tool's request for approval; a later decision is rejected as expired and never sent. The default is 240 s in classic
         * mode, because the wait counts against the model's 270 s, and after those the tool runs and its approval is then requested again; and
         * 30 min in durable mode, which waits no longer.
         */
        @Between(least = "1s", most = "30m")
        Optional<Duration> approvalWindow();

        /**
         * Time-out of one call that delivers a decision; after it, it is unknown whether Inkeep received the decision. In durable mode with
         * {@code parts} it covers only the sending: the head of the answer arrives with its first event, after the tool has run.
         */
        @WithDefault("10s")
        @Between(least = "100ms", most = "10m")
        Duration approvalTimeout();

        /**
         * HTTP headers of a caller's request that are passed to the upstream, in lower case. Credentials, cookies, hop-by-hop headers and
         * {@code x-target-*} are rejected here: a caller must not act as someone else at Inkeep.
         */
        @WithDefault("x-emit-operations,traceparent,tracestate,baggage,x-inkeep-client-timezone,x-inkeep-client-timestamp")
        List<String> headers();

        @WithDefault("5s")
        @Between(least = "10ms", most = "5m")
        Duration connectTimeout();

        /**
         * The name of a configuration of Quarkus' TLS registry ({@code quarkus.tls.<name>.*}): whose certificates are trusted, and which one is
         * shown. If it is not set, the certificates that the JVM trusts are trusted.
         */
        Optional<String> tlsConfigurationName();

        /**
         * The name of a configuration of Quarkus' proxy registry ({@code quarkus.proxy.<name>.*}). If it is not set, {@code quarkus.proxy.*} is
         * used, if that is set; {@code none} is no proxy.
         */
        Optional<String> proxyConfigurationName();

        /**
         * Maximum number of concurrent connections. Each running turn uses one, so this bounds the turns of a replica. Further turns wait, and
         * the wait counts as silence.
         */
        @WithDefault("4096")
        @Between(least = "1", most = "100000")
        int maxConnections();

        /** Maximum size of one event in bytes. A larger event ends its turn, because it would have to be held whole, several times. */
        @WithDefault("1M")
        @Between(least = "1K", most = "256M")
        MemorySize maxFrame();

        /**
         * Agents, for an answer whose connection broke: how long to look for its run if Inkeep does not send the run again, or only as far as
         * it is known. Inkeep stores events 100 ms late and a new reader is quick, so some seconds distinguish a finished run from one that
         * continues; a longer time only delays the turn's end.
         */
        @WithDefault("8s")
        @Between(least = "10ms", most = "1h")
        Duration followTimeout();

        /**
         * Agents in classic mode: how long Inkeep sends the events of a run ({@code AGENTS_STREAM_MAX_LIFETIME_MS} there, 600 s by default,
         * from the head of its answer on). After that it drops every event, including the end. So a stream that has reached this age and is
         * silent for {@code follow-timeout} is abandoned, its run is read again, and its turn fails if nothing new arrives there for the same
         * time either. A value longer than Inkeep's own delays that end, up to the silence time-out; a shorter value ends turns that would have
         * continued, unless events are seen to arrive later. 0 for a server that sends events without a time limit.
         */
        @WithDefault("600s")
        @Between(least = "0s", most = "24h")
        Duration streamLifetime();

        /**
         * Number of retries before the first event, after 429, 502, 503, 504 or a refused connection. After the first event there are no
         * retries.
         */
        @WithDefault("2")
        @Between(least = "0", most = "10")
        int retries();

        /** Pause before the first retry; each further pause is twice as long. {@code Retry-After} lengthens it. */
        @WithDefault("250ms")
        @Between(least = "1ms", most = "1m")
        Duration retryBackoff();

        /** The longest {@code Retry-After} for which the service waits; the caller must wait for a longer one. */
        @WithDefault("10s")
        @Between(least = "0s", most = "1h")
        Duration maxRetryAfter();

        /** When new turns are refused because the upstream fails or is slow. */
        BreakerConfig breaker();

        /**
         * The upstream's circuit breaker. Each replica has its own. Only what happens before a turn's first event counts: no connection, an
         * answer that is the upstream's fault (429, 5xx, no event stream), a time-out, or a slow first event. A request that Inkeep rejects, and
         * a cancelled turn, do not count.
         */
        interface BreakerConfig {

            /** Whether there is a breaker. Without it each turn waits for its own time-out while the upstream is down. */
            @WithDefault("true")
            boolean enabled();

            /**
             * Percentage of failed turns from which on the breaker opens. A lower value also refuses turns that would have been answered; with
             * a higher value fewer turns fail fast while only a part of Inkeep is down.
             */
            @WithDefault("50")
            @Between(least = "1", most = "100")
            int failureRate();

            /**
             * Number of turns in the window below which the breaker stays closed. With a few turns the rate is chance: two failed turns at night
             * must not refuse the third.
             */
            @WithDefault("20")
            @Between(least = "1", most = "100000")
            int minimumTurns();

            /**
             * The turns of this last time count, in whole seconds. A longer window needs less traffic for {@code minimum-turns}, and reacts
             * later, because good turns from before the outage dilute it. It holds a few numbers per second.
             */
            @WithDefault("60s")
            @Between(least = "1s", most = "15m")
            Duration window();

            /**
             * Time to the first event from which on a turn is slow, retries included. The default is half of the default
             * {@code chat-relay.turn.first-event-timeout}, which ends a turn as a failure; an agent that thinks first needs seconds.
             */
            @WithDefault("30s")
            @Between(least = "10ms", most = "24h")
            Duration slowDuration();

            /**
             * Percentage of slow turns from which on the breaker opens. The default is higher than that of failed turns, because a slow turn is
             * still answered.
             */
            @WithDefault("80")
            @Between(least = "1", most = "100")
            int slowRate();

            /**
             * Time for which the open breaker refuses all turns, and which callers are told in {@code Retry-After}. A longer time spares an
             * upstream that recovers, and refuses turns for longer than its outage.
             */
            @WithDefault("10s")
            @Between(least = "100ms", most = "10m")
            Duration openDuration();

            /**
             * Number of turns that try after that time; other turns are refused until these are decided. One turn may be lucky or unlucky; many
             * hit an upstream that is still down.
             */
            @WithDefault("3")
            @Between(least = "1", most = "1000")
            int trialTurns();
        }
    }
}
