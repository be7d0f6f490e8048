package io.chatrelay.limit;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.chatrelay.event.ChatException;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;

/** The limits of one caller, and what this replica has counted of it. */
public final class CallerLimits {

    /** When a turn or a stream ends is not known. A client that asks every two seconds finds a free place soon, and costs little until then. */
    private static final long ENDS_SOON_SECONDS = 2;

    /** The place of one stream among the open ones. */
    public interface OpenStream extends AutoCloseable {

        /** Gives the place back. Later calls do nothing. */
        @Override
        void close();
    }

    /** The tokens of the caller on this day. */
    interface UsedTokens {

        long today();

        void add(long tokens);

        /** Time until the day ends; more than zero. */
        Duration untilTomorrow();
    }

    private final String caller;
    private final @Nullable Quota requests;
    private final @Nullable Bucket bucket;
    private final @Nullable Quota turns;
    private final @Nullable Quota streams;
    private final @Nullable Quota tokens;
    private final List<Quota> quotas;
    private final UsedTokens used;
    private final Duration beginWithin;
    private final ReentrantLock beginning = new ReentrantLock();
    private final AtomicInteger openStreams = new AtomicInteger();
    private final Consumer<Limit> hit;
    private volatile int runningTurns;

    /**
     * @param beginWithin how long a turn waits for others of the caller to begin
     * @param hit         called for each refusal
     */
    CallerLimits(String caller, LimitsConfig config, TimeMeter clock, UsedTokens used, Duration beginWithin,
            Consumer<Limit> hit) {
        this.caller = caller;
        this.beginWithin = beginWithin;
        this.used = used;
        this.hit = hit;
        LimitsConfig.OfCaller own = config.callers().get(caller);
        LimitsConfig.OfCaller defaults = config.defaults();
        OptionalInt rate = own != null && own.requestsPerSecond().isPresent() ? own.requestsPerSecond()
                : defaults.requestsPerSecond();
        OptionalInt burst = own != null && own.burst().isPresent() ? own.burst() : defaults.burst();
        if (rate.isPresent()) {
            int capacity = burst.orElse(rate.getAsInt());
            requests = new Quota(Limit.REQUESTS_PER_SECOND, capacity,
                    Duration.ofSeconds(Math.ceilDiv(capacity, rate.getAsInt())),
                    setting(Limit.REQUESTS_PER_SECOND, own != null && own.requestsPerSecond().isPresent()));
            bucket = Bucket.builder().withCustomTimePrecision(clock)
                    .addLimit(limit -> limit.capacity(capacity).refillGreedy(rate.getAsInt(), Duration.ofSeconds(1))).build();
        } else {
            requests = null;
            bucket = null;
        }
        turns = quota(Limit.RUNNING_TURNS, own == null ? OptionalInt.empty() : own.runningTurns(), defaults.runningTurns());
        streams = quota(Limit.OPEN_STREAMS, own == null ? OptionalInt.empty() : own.openStreams(), defaults.openStreams());
        Optional<Long> ownTokens = own == null ? Optional.empty() : own.tokensPerDay();
        tokens = ownTokens.or(defaults::tokensPerDay).map(amount -> new Quota(Limit.TOKENS_PER_DAY, amount, Duration.ofDays(1),
                setting(Limit.TOKENS_PER_DAY, ownTokens.isPresent()))).orElse(null);
        // Each request is told of them.
        quotas = Stream.of(requests, turns, streams, tokens).mapMulti((@Nullable Quota quota, Consumer<Quota> found) -> {
            if (quota != null) {
                found.accept(quota);
            }
        }).toList();
    }

    private @Nullable Quota quota(Limit limit, OptionalInt own, OptionalInt otherwise) {
        OptionalInt amount = own.isPresent() ? own : otherwise;
        return amount.isEmpty() ? null : new Quota(limit, amount.getAsInt(), null, setting(limit, own.isPresent()));
    }

    private String setting(Limit limit, boolean own) {
        return own ? "chat-relay.limits.callers.\"%s\".%s".formatted(caller, limit.wireName())
                : "chat-relay.limits.default." + limit.wireName();
    }

    /** The caller. */
    public String name() {
        return caller;
    }

    /** All that is limited for this caller. */
    public List<Quota> quotas() {
        return quotas;
    }

    /**
     * Counts a request.
     *
     * @return how many are left; empty if requests are not limited
     */
    public Optional<Counted> request() {
        if (bucket == null || requests == null) {
            return Optional.empty();
        }
        ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
        // A second at least: the header has no fractions, and zero would mean now.
        Duration more = probe.isConsumed() ? Duration.ofSeconds(1)
                : Duration.ofSeconds(Math.max(1, Math.ceilDiv(probe.getNanosToWaitForRefill(), 1_000_000_000L)));
        return Optional.of(new Counted(requests.left(probe.getRemainingTokens(), more), probe.isConsumed()));
    }

    /**
     * A request that was counted.
     *
     * @param isAllowed false if it is to be refused
     */
    public record Counted(Quota.Left left, boolean isAllowed) {}

    /** The reason to refuse a request that is not allowed. */
    public LimitException tooManyRequests(Counted request) {
        Quota quota = request.left().quota();
        hit.accept(quota.limit());
        Duration reset = request.left().reset();
        long seconds = reset == null ? 1 : reset.toSeconds();
        return new LimitException(request.left(),
                ("The caller '%s' sends too many requests: %d at once, and then as many a second as %s says. Nothing of this one was"
                        + " read. Try again in %d s.").formatted(caller, quota.amount(), quota.setting(), seconds),
                seconds);
    }

    /** How many turns of the caller may run; empty if that is not limited. */
    public OptionalInt runningTurns() {
        return turns == null ? OptionalInt.empty() : OptionalInt.of((int) turns.amount());
    }

    /**
     * The limit that keeps the caller's next turn from beginning.
     *
     * @param running how many turns of the caller run; not asked where they are not limited
     */
    public Optional<Limit> keepsFromBeginning(IntSupplier running) {
        if (tokens != null && used.today() >= tokens.amount()) {
            return Optional.of(Limit.TOKENS_PER_DAY);
        }
        return turns != null && running.getAsInt() >= turns.amount() ? Optional.of(Limit.RUNNING_TURNS) : Optional.empty();
    }

    /**
     * Runs a transaction that begins a turn. Those of a caller whose running turns are limited wait for each other in the database anyway, and here
     * they wait without a connection, and for longer than the database lets a transaction wait for a lock.
     *
     * @throws ChatException if it would have to wait for longer than a caller waits for a connection
     */
    public <T> T begin(Supplier<T> transaction) {
        if (turns == null) {
            return transaction.get();
        }
        if (!isTurnToBegin()) {
            throw ChatException.unavailable(
                    "Too many turns of the caller '%s' begin at once. Nothing of this one is stored.".formatted(caller),
                    ENDS_SOON_SECONDS);
        }
        try {
            return transaction.get();
        } finally {
            beginning.unlock();
        }
    }

    private boolean isTurnToBegin() {
        try {
            return beginning.tryLock(beginWithin.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** @param limit as {@link #keepsFromBeginning} gave it */
    public LimitException refusesTurn(Limit limit) {
        hit.accept(limit);
        if (limit == Limit.TOKENS_PER_DAY && tokens != null) {
            return usedUp(tokens);
        }
        Quota quota = quotas.stream().filter(each -> each.limit() == limit).findFirst().orElseThrow();
        return new LimitException(quota.left(0, null),
                ("%d turns of the caller '%s' run or wait for an approval, and it may have %1$d at a time (%s). Nothing of this one is"
                        + " stored, and its Idempotency-Key can be used again. Try again when one has ended.")
                        .formatted(quota.amount(), caller, quota.setting()),
                ENDS_SOON_SECONDS);
    }

    private LimitException usedUp(Quota quota) {
        Quota.Left left = tokensLeft(quota);
        long seconds = left.reset() == null ? 1 : left.reset().toSeconds();
        return new LimitException(left,
                ("The answers of this day (UTC) to the caller '%s' have used %d tokens, and it may use %d (%s). Nothing of this turn is stored,"
                        + " and its Idempotency-Key can be used again, from midnight (UTC) on, in %d s.")
                        .formatted(caller, used.today(), quota.amount(), quota.setting(), seconds),
                seconds);
    }

    private Quota.Left tokensLeft(Quota quota) {
        // Rounded up: when the seconds are over, the day is.
        return quota.left(quota.amount() - used.today(),
                Duration.ofSeconds(Math.ceilDiv(used.untilTomorrow().toMillis(), 1000L)));
    }

    /** How many tokens are left of this day's; empty if they are not limited. */
    public Optional<Quota.Left> tokensLeft() {
        return tokens == null ? Optional.empty() : Optional.of(tokensLeft(tokens));
    }

    /** Counts the tokens of an answer that ended. */
    public void used(long count) {
        if (tokens != null && count > 0) {
            used.add(count);
        }
    }

    /** The number of the caller's running turns when its last turn began. */
    public void running(int counted) {
        runningTurns = counted;
    }

    /** @throws LimitException if as many streams are open as the caller may have */
    public OpenStream openStream() {
        int open = openStreams.incrementAndGet();
        if (streams != null && open > streams.amount()) {
            openStreams.decrementAndGet();
            hit.accept(Limit.OPEN_STREAMS);
            throw new LimitException(streams.left(0, null),
                    ("%d streams of the caller '%s' are open on this replica, and it may have %1$d (%s). Nothing of this request is"
                            + " stored. Close a stream that is not read, or try again when one has ended.")
                            .formatted(streams.amount(), caller, streams.setting()),
                    ENDS_SOON_SECONDS);
        }
        AtomicBoolean closed = new AtomicBoolean();
        return () -> {
            if (closed.compareAndSet(false, true)) {
                openStreams.decrementAndGet();
            }
        };
    }

    /** How many turns more may run, as it was when the last one began or was refused; empty if that is not limited. */
    public Optional<Quota.Left> turnsLeft() {
        return turns == null ? Optional.empty() : Optional.of(turns.left(turns.amount() - runningTurns, null));
    }

    /** How many streams more may be open; empty if that is not limited. */
    public Optional<Quota.Left> streamsLeft() {
        return streams == null ? Optional.empty() : Optional.of(streams.left(streams.amount() - openStreams.get(), null));
    }
}
