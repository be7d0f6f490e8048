package io.chatrelay.limit;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

import javax.sql.DataSource;

import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;

import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ApplicationNotRunning;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.common.annotation.RunOnVirtualThread;

/** The limits of all callers. Callers that have authenticated are kept, of which there are few; callers of one tenant have limits of their own. */
@ApplicationScoped
public class Limits {

    private static final Logger LOG = Logger.getLogger(Limits.class);

    private record Caller(String tenant, String name) {}

    private static final String METRIC = "chat.relay.limits.hit";
    private static final String INTERVAL = "${chat-relay.limits.tokens-every}";
    /** Before turns begin. */
    private static final int EARLY = 50;
    /** The tag of callers without a setting of their own: an issuer may know any number of them. */
    private static final String OTHER = "other";

    private final LimitsConfig config;
    private final MeterRegistry metrics;
    private final TimeMeter clock;
    private final TokenLedger ledger;
    private final Duration beginWithin;
    private final RepeatedTask exchange = new RepeatedTask("The exchange of tokens", this::exchangeTokens);
    private final boolean countsTokens;
    private final Map<Caller, CallerLimits> callers = new ConcurrentHashMap<>();

    @Inject
    Limits(LimitsConfig config, MeterRegistry metrics, DataSource database,
            @ConfigProperty(name = "quarkus.datasource.jdbc.acquisition-timeout") Duration acquisition) {
        this(config, metrics, TimeMeter.SYSTEM_NANOTIME, new TokenLedger(database, Clock.systemUTC()), acquisition);
    }

    /** @param beginWithin how long a turn waits for others of its caller to begin */
    Limits(LimitsConfig config, MeterRegistry metrics, TimeMeter clock, TokenLedger ledger, Duration beginWithin) {
        this.config = config;
        this.beginWithin = beginWithin;
        this.metrics = metrics;
        this.clock = clock;
        this.ledger = ledger;
        this.countsTokens = Stream.concat(Stream.of(config.defaults()), config.callers().values().stream())
                .anyMatch(limits -> limits.tokensPerDay().isPresent());
        for (Limit limit : Limit.values()) {
            metrics.counter(METRIC, "limit", limit.wireName(), "caller", OTHER);
        }
    }

    /** What was used before this process began counts from the first turn on. */
    void start(@Observes @Priority(EARLY) StartupEvent event) {
        exchange.run();
    }

    /** After the last turns have ended, and before the pool closes. */
    void stop(@Observes ShutdownEvent event) {
        exchange.run();
    }

    @Scheduled(identity = "tokens", every = INTERVAL, delayed = INTERVAL, concurrentExecution = ConcurrentExecution.SKIP,
            skipExecutionIf = ApplicationNotRunning.class)
    @RunOnVirtualThread
    void exchange() {
        exchange.run();
    }

    private void exchangeTokens() {
        if (!countsTokens) {
            return;
        }
        try {
            ledger.exchange();
        } catch (SQLException e) {
            LOG.warnf("The tokens that were counted here are added to the database later: %s", SqlErrors.reason(e));
        }
    }

    /** What this replica takes, whoever asks. */
    public LimitsConfig.Replica ofReplica() {
        return config.replica();
    }

    public CallerLimits of(String tenant, String caller) {
        return callers.computeIfAbsent(new Caller(tenant, caller), _ -> new CallerLimits(caller, config, clock,
                tokens(tenant, caller), beginWithin, limit -> hit(limit, caller)));
    }

    private CallerLimits.UsedTokens tokens(String tenant, String caller) {
        return new CallerLimits.UsedTokens() {
            @Override
            public long today() {
                return ledger.used(tenant, caller);
            }

            @Override
            public void add(long tokens) {
                ledger.add(tenant, caller, tokens);
            }

            @Override
            public Duration untilTomorrow() {
                return ledger.untilTomorrow();
            }
        };
    }

    private void hit(Limit limit, String caller) {
        metrics.counter(METRIC, "limit", limit.wireName(), "caller", config.callers().containsKey(caller) ? caller : OTHER)
                .increment();
    }
}
