package io.chatrelay.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.Test;

import io.chatrelay.event.ChatException;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

class CallerLimitsTest {

    /** A number below zero is none. */
    private record Figures(int rate, int bucket, int turns, int streams, long tokens) implements LimitsConfig.OfCaller {

        Figures(int rate, int bucket, int turns, int streams) {
            this(rate, bucket, turns, streams, -1);
        }

        private static OptionalInt optional(int figure) {
            return figure < 0 ? OptionalInt.empty() : OptionalInt.of(figure);
        }

        @Override
        public OptionalInt requestsPerSecond() {
            return optional(rate);
        }

        @Override
        public OptionalInt burst() {
            return optional(bucket);
        }

        @Override
        public OptionalInt runningTurns() {
            return optional(turns);
        }

        @Override
        public OptionalInt openStreams() {
            return optional(streams);
        }

        @Override
        public Optional<Long> tokensPerDay() {
            return tokens < 0 ? Optional.empty() : Optional.of(tokens);
        }
    }

    private record Config(OfCaller defaults, Map<String, OfCaller> callers) implements LimitsConfig {

        @Override
        public Replica replica() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Duration tokensEvery() {
            return Duration.ofSeconds(1);
        }
    }

    private static final class Day extends java.time.Clock {

        private Instant now = Instant.parse("2026-11-27T23:59:58.500Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public java.time.Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    private static final class Clock implements TimeMeter {

        private long nanos;

        @Override
        public long currentTimeNanos() {
            return nanos;
        }

        @Override
        public boolean isWallClockBased() {
            return false;
        }
    }

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Figures NONE = new Figures(-1, -1, -1, -1);

    private final Clock clock = new Clock();
    private final Day day = new Day();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    private Limits limits(Figures defaults, Map<String, LimitsConfig.OfCaller> callers) {
        return new Limits(new Config(defaults, callers), metrics, clock, new TokenLedger(null, day),
                Duration.ofMillis(50));
    }

    private static boolean isAllowed(CallerLimits caller) {
        return caller.request().orElseThrow().isAllowed();
    }

    @Test
    void nothingIsLimitedUnlessItIsSet() {
        CallerLimits caller = limits(NONE, Map.of()).of("t", "one");

        assertThat(caller.quotas()).isEmpty();
        assertThat(caller.request()).isEmpty();
        assertThat(caller.runningTurns()).isEmpty();
        assertThat(caller.keepsFromBeginning(() -> {
            throw new AssertionError("nothing is counted");
        })).isEmpty();
        for (int i = 0; i < 1000; i++) {
            caller.openStream();
        }
    }

    @Test
    void requestsFillTheBucketAgainOneByOne() {
        CallerLimits caller = limits(new Figures(4, 2, -1, -1), Map.of()).of("t", "one");

        assertThat(caller.request().orElseThrow().left().remaining()).isEqualTo(1);
        assertThat(isAllowed(caller)).isTrue();
        assertThat(isAllowed(caller)).isFalse();
        clock.nanos += Duration.ofMillis(249).toNanos();
        assertThat(isAllowed(caller)).isFalse();
        clock.nanos += Duration.ofMillis(1).toNanos();
        assertThat(isAllowed(caller)).isTrue();
        assertThat(isAllowed(caller)).isFalse();
        clock.nanos += Duration.ofHours(1).toNanos();
        assertThat(isAllowed(caller)).isTrue();
        assertThat(isAllowed(caller)).isTrue();
        assertThat(isAllowed(caller)).isFalse();
    }

    @Test
    void aCallersOwnFigureReplacesTheDefaultOneByOne() {
        Limits limits = limits(new Figures(10, -1, 5, 7), Map.of("own", new Figures(-1, 3, 9, -1)));

        assertThat(limits.of("t", "own").quotas()).containsExactly(
                new Quota(Limit.REQUESTS_PER_SECOND, 3, Duration.ofSeconds(1), "chat-relay.limits.default.requests-per-second"),
                new Quota(Limit.RUNNING_TURNS, 9, null, "chat-relay.limits.callers.\"own\".running-turns"),
                new Quota(Limit.OPEN_STREAMS, 7, null, "chat-relay.limits.default.open-streams"));
        assertThat(limits.of("t", "another").quotas()).containsExactly(
                new Quota(Limit.REQUESTS_PER_SECOND, 10, Duration.ofSeconds(1),
                        "chat-relay.limits.default.requests-per-second"),
                new Quota(Limit.RUNNING_TURNS, 5, null, "chat-relay.limits.default.running-turns"),
                new Quota(Limit.OPEN_STREAMS, 7, null, "chat-relay.limits.default.open-streams"));
    }

    @Test
    void turnsOfALimitedCallerBeginOneByOneAndDoNotWaitForEver() throws Exception {
        CallerLimits limited = limits(new Figures(-1, -1, 5, -1), Map.of()).of("t", "one");
        CallerLimits free = limits(NONE, Map.of()).of("t", "one");

        limited.begin(() -> free.begin(() -> {
            assertThat(CompletableFuture.supplyAsync(() -> free.begin(() -> "at once"))).succeedsWithin(PATIENCE)
                    .isEqualTo("at once");
            assertThat(CompletableFuture.supplyAsync(() -> limited.begin(() -> "too early"))).failsWithin(PATIENCE)
                    .withThrowableOfType(ExecutionException.class).havingCause()
                    .isInstanceOfSatisfying(ChatException.class, refusal -> {
                        assertThat(refusal.kind()).isEqualTo(ChatException.Kind.UNAVAILABLE);
                        assertThat(refusal.getMessage()).contains("'one'", "Nothing of this one is stored");
                    });
            return null;
        }));

        assertThat(CompletableFuture.supplyAsync(() -> limited.begin(() -> "afterwards"))).succeedsWithin(PATIENCE)
                .isEqualTo("afterwards");
    }

    @Test
    void callersShareNothing() {
        Limits limits = limits(new Figures(1, 1, -1, 1), Map.of());
        assertThat(isAllowed(limits.of("t", "one"))).isTrue();
        assertThat(isAllowed(limits.of("t", "one"))).isFalse();
        limits.of("t", "one").openStream();

        assertThat(isAllowed(limits.of("t", "two"))).isTrue();
        assertThat(isAllowed(limits.of("u", "one"))).isTrue();
        limits.of("t", "two").openStream();
    }

    @Test
    void tokensAreThereAgainOnTheNextDay() {
        Limits limits = limits(new Figures(-1, -1, -1, -1, 100), Map.of());
        CallerLimits caller = limits.of("t", "one");
        caller.used(99);
        assertThat(caller.keepsFromBeginning(() -> 0)).isEmpty();
        assertThat(caller.tokensLeft().orElseThrow().remaining()).isEqualTo(1);
        caller.used(41);

        assertThat(caller.keepsFromBeginning(() -> 0)).contains(Limit.TOKENS_PER_DAY);
        LimitException refusal = caller.refusesTurn(Limit.TOKENS_PER_DAY);
        assertThat(refusal.retryAfter()).as("rounded up").isEqualTo(2);
        assertThat(refusal.left().remaining()).isZero();
        assertThat(refusal).hasMessageContaining("140").hasMessageContaining("chat-relay.limits.default.tokens-per-day");
        assertThat(limits.of("t", "two").keepsFromBeginning(() -> 0)).isEmpty();

        day.now = Instant.parse("2026-11-28T00:00:00Z");

        assertThat(caller.keepsFromBeginning(() -> 0)).isEmpty();
        assertThat(caller.tokensLeft().orElseThrow())
                .isEqualTo(new Quota.Left(caller.quotas().getFirst(), 100, Duration.ofDays(1)));
    }

    @Test
    void aStreamGivesItsPlaceBackOnce() {
        CallerLimits caller = limits(new Figures(-1, -1, -1, 2), Map.of()).of("t", "one");
        CallerLimits.OpenStream first = caller.openStream();
        caller.openStream();
        assertThatThrownBy(caller::openStream).isInstanceOf(LimitException.class)
                .hasMessageContaining("chat-relay.limits.default.open-streams");

        first.close();
        first.close();

        assertThat(caller.streamsLeft().orElseThrow().remaining()).isEqualTo(1);
        caller.openStream();
        assertThatThrownBy(caller::openStream).isInstanceOf(LimitException.class);
    }

    @Test
    void aRefusalIsCountedByLimitAndConfiguredName() {
        Limits limits = limits(new Figures(-1, -1, 1, 1), Map.of("own", NONE));
        for (String name : new String[]{ "own", "a", "b" }) {
            CallerLimits caller = limits.of("t", name);
            caller.openStream();
            assertThatThrownBy(caller::openStream).isInstanceOf(LimitException.class);
            assertThat(caller.refusesTurn(caller.keepsFromBeginning(() -> 1).orElseThrow()).retryAfter()).isPositive();
        }

        for (String limit : new String[]{ "open-streams", "running-turns" }) {
            assertThat(metrics.get("chat.relay.limits.hit").tag("limit", limit).tag("caller", "own").counter().count())
                    .isEqualTo(1);
            assertThat(metrics.get("chat.relay.limits.hit").tag("limit", limit).tag("caller", "other").counter().count())
                    .isEqualTo(2);
        }
    }
}
