package io.chatrelay.inkeep;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** The configured Inkeeps, by name. */
@ConfigMapping(prefix = "chat-relay")
public interface UpstreamsConfig {

    /** Where a request goes whose {@code model} is not known; without it, such a request is refused. */
    Optional<String> defaultUpstream();

    Map<String, UpstreamConfig> upstreams();

    /** Which of Inkeep's two APIs it is. */
    enum Kind {
        AGENTS,
        CLOUD
    }

    /** How Agents runs a turn. Source: {@code executionMode} of its run API. */
    enum ExecutionMode {
        CLASSIC,
        DURABLE
    }

    /** How Agents is told a decision on a tool call. */
    enum ApprovalTransport {
        /** Found out from the server once, before its first run. */
        AUTO,
        /** {@code POST …/api/chat} with {@code approval-responded} parts: every server since March 2026. */
        PARTS,
        /** {@code POST …/api/executions/{id}/approvals/{toolCallId}}, in durable mode only; the rest of the answer is read again. */
        EXECUTIONS,
        /** {@code POST …/api/tool-approvals}: servers until March 2026, in classic mode only. */
        LEGACY
    }

    /** One Inkeep. */
    interface UpstreamConfig {

        Kind kind();

        /** Up to and including {@code /run} (Agents; without it for a legacy server, which has none) or {@code /v1} (Cloud). */
        URI url();

        Optional<String> apiKey();

        /** Cloud: the models that callers may name; the first is asked where a caller names the upstream itself. */
        Optional<List<String>> models();

        /**
         * Cloud: whether every turn asks for its usage ({@code stream_options.include_usage}), which is stored with the answer. One that
         * refuses the field says so with a 400.
         */
        @WithDefault("true")
        boolean usage();

        /**
         * Request parameters, by name, that are taken and not passed on, where a framework sends them unasked and cannot be told not to:
         * {@code temperature} to an agent, which decides for itself. By default there are none, for a setting that is dropped silently
         * is found out in production; each one here is dropped for every caller.
         */
        Optional<Set<String>> ignoredParameters();

        @WithDefault("classic")
        ExecutionMode executionMode();

        @WithDefault("auto")
        ApprovalTransport approvals();

        /**
         * From a tool's request for approval: a later decision is refused as expired and never sent. By default 240 s in classic
         * mode, for its wait counts against the model's 270 s, and after those the tool runs and is then asked for again; and
         * 30 min in durable mode, which waits no longer.
         */
        @Between(least = "1s", most = "30m")
        Optional<Duration> approvalWindow();

        /**
         * For one call that tells a decision, after which nobody knows whether it was heard. In durable mode with {@code parts}
         * it ends when the call is sent: the head of the answer comes with its first event, when the tool has run.
         */
        @WithDefault("10s")
        @Between(least = "100ms", most = "10m")
        Duration approvalTimeout();

        /**
         * HTTP headers of a caller's request that go up, in lower case. Credentials, cookies, hop-by-hop headers and
         * {@code x-target-*} are refused here: a caller must not act as someone else at Inkeep.
         */
        @WithDefault("x-emit-operations,traceparent,tracestate,baggage,x-inkeep-client-timezone,x-inkeep-client-timestamp")
        List<String> headers();

        @WithDefault("5s")
        @Between(least = "10ms", most = "5m")
        Duration connectTimeout();

        /**
         * Connections at the same time: one a running turn, so this bounds the turns of a replica. Further ones wait, and
         * count as silence.
         */
        @WithDefault("4096")
        @Between(least = "1", most = "100000")
        int maxConnections();

        /** Bytes of one event. A longer one ends its turn: it would have to be held whole, several times. */
        @WithDefault("1M")
        @Between(least = "1K", most = "256M")
        MemorySize maxFrame();

        /**
         * Agents, for an answer whose connection broke: how long its run is looked for that Inkeep does not give again, or only as far
         * as it is known. Inkeep writes it down 100 ms late and a new reader is quick, so some seconds tell a run that is over from one
         * that goes on; longer only delays the turn's end.
         */
        @WithDefault("8s")
        @Between(least = "10ms", most = "1h")
        Duration followTimeout();

        /**
         * Agents in classic mode: how long Inkeep tells a run ({@code AGENTS_STREAM_MAX_LIFETIME_MS} there, 600 s by default, from the head
         * of its answer on). After that it drops every event, the end included. So a stream that is as old and says nothing for
         * {@code follow-timeout} is left, its run is read again, and its turn fails if nothing new comes there for as long either. Longer
         * than Inkeep's own delays that end, up to the silence time-out; shorter ends turns that would have gone on, unless events are seen
         * to come later. 0 for a server that tells without end.
         */
        @WithDefault("600s")
        @Between(least = "0s", most = "24h")
        Duration streamLifetime();

        /** Further tries before the first event, after 429, 502, 503, 504 or a refused connection. After it there is none. */
        @WithDefault("2")
        @Between(least = "0", most = "10")
        int retries();

        /** Pause before the first further try; each next one is twice as long. {@code Retry-After} lengthens it. */
        @WithDefault("250ms")
        @Between(least = "1ms", most = "1m")
        Duration retryBackoff();

        /** The longest {@code Retry-After} that is waited for; a longer one is the caller's to wait for. */
        @WithDefault("10s")
        @Between(least = "0s", most = "1h")
        Duration maxRetryAfter();
    }
}
