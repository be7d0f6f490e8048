package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

import io.chatrelay.support.inkeep.Emulator;
import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.StallingProxy;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;

/** What one connection of each replica to PostgreSQL that hangs costs, and how soon a process that ended with all of its connections is replaced. */
@Order(4)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class StalledConnectionIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Long, so that what is seen below cannot be the work of its end. */
    private static final Duration LEASE = Duration.ofSeconds(15);
    private static final String LONGER_THAN_THIS = "words 10000 30";
    private static final String OF_THE_CLOCK = "update replica set lease_end";
    private static final String OF_THE_WRITER = "insert into turn_event";
    /** Of the statement that begins turns. */
    private static final String OF_THE_BEGINS = "pg_try_advisory_xact_lock";
    private static StallingProxy proxyOfA;
    private static StallingProxy proxyOfB;
    private static TwoReplicas replicas;

    @BeforeAll
    static void start() {
        TestPostgres database = TestPostgres.fresh();
        proxyOfA = new StallingProxy(database);
        proxyOfB = new StallingProxy(database);
        Iterator<StallingProxy> next = List.of(proxyOfA, proxyOfB).iterator();
        replicas = new TwoReplicas(database, setup -> setup.with("quarkus.datasource.jdbc.url", next.next().url())
                .with("chat-relay.lease.duration", LEASE).with("chat-relay.lease.renew-every", "2s"));
    }

    @AfterAll
    static void stop() {
        replicas.close();
        proxyOfA.close();
        proxyOfB.close();
    }

    /** The longest time without an event that a reader had. */
    private static final class Silence {
        private final AtomicLong heard = new AtomicLong(System.nanoTime());
        private final AtomicLong longest = new AtomicLong();

        void heard() {
            long now = System.nanoTime();
            long before = heard.getAndSet(now);
            longest.accumulateAndGet(now - before, Math::max);
        }

        Duration longest() {
            heard();
            return Duration.ofNanos(longest.get());
        }
    }

    private record Answer(String conversation, EventSourceReader reader, Silence silence) {

        static Answer asked(RelayProcess relay, URI comesBackTo, String upstream, String text) {
            String conversation = "stalled-%s-%s-%d".formatted(upstream, text.replace(' ', '-'), relay.pid());
            Silence silence = new Silence();
            return new Answer(conversation, EventSourceReader.asking(relay, comesBackTo, upstream, conversation, text, () -> {},
                    _ -> silence.heard()), silence);
        }
    }

    private record Behind(RelayProcess relay, StallingProxy proxy) {

        SseStream chat(String what, String connection) {
            return new RelayClient(relay).chat("agents", "%s-%s-%d".formatted(what, connection.hashCode(), relay.pid()),
                    "echo still here");
        }

        void stall(String connection) {
            Awaitility.await("a connection that sent " + connection).atMost(PATIENCE).pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> proxy.stall(connection));
        }

        /** The one that hangs is given up, and its work is done on another; turns begin on another only once another is asked for. */
        void awaitAnother(String connection) {
            if (!connection.equals(OF_THE_BEGINS)) {
                Awaitility.await("another connection for " + connection).atMost(PATIENCE).pollDelay(Duration.ZERO)
                        .pollInterval(Duration.ofMillis(50))
                        .until(() -> proxy.hasOne(connection));
            }
        }
    }

    /** A process that shows two is not taken for gone where one of them breaks. */
    @Test
    @Order(0)
    void eachReplicaShowsTwoSessionsBeforeItHasStoredAnything() {
        Awaitility.await("two sessions of each").atMost(PATIENCE).until(() -> replicas.database.number("""
                select count(*) from pg_locks where locktype = 'advisory' and mode = 'ShareLock'
                    and database = (select oid from pg_database where datname = current_database())"""),
                sessions -> sessions == 4);
    }

    @Test
    @Order(1)
    void itCostsNoTurnAndKeepsNoStreamWaitingForLong() {
        List<Answer> answers = Stream.of(replicas.a, replicas.b)
                .flatMap(relay -> Stream.of("agents", "cloud").map(upstream -> Answer.asked(relay, relay.api(), upstream,
                        LONGER_THAN_THIS)))
                .toList();
        answers.forEach(answer -> answer.reader().awaitEvents(20));

        List<Behind> both = List.of(new Behind(replicas.a, proxyOfA), new Behind(replicas.b, proxyOfB));
        for (String connection : List.of(OF_THE_CLOCK, OF_THE_BEGINS, OF_THE_WRITER)) {
            // Idle connections of callers were closed when the clock's broke.
            both.forEach(replica -> replica.chat("opens", connection).awaitEnd());
            both.forEach(replica -> replica.stall(connection));
            List<SseStream> asked = both.stream().map(replica -> replica.chat("stalled", connection)).toList();
            both.forEach(replica -> replica.awaitAnother(connection));
            asked.forEach(SseStream::awaitEnd);
            assertThat(asked).as("callers while one connection hangs").extracting(SseStream::status).isSubsetOf(200, 503);
        }

        assertThat(answers).extracting(answer -> answer.silence().longest()).allMatch(silence -> silence.compareTo(LEASE) < 0,
                "shorter than a lease");
        new Emulator(URI.create("http://127.0.0.1:" + replicas.inkeep.port())).hurry(LONGER_THAN_THIS);
        for (Answer answer : answers) {
            replicas.assertWhole(answer.reader(), answer.conversation(), "[DONE]");
            assertThat(answer.reader().streams()).as("streams that were cut").filteredOn(stream -> stream.status() == 200)
                    .hasSize(1);
        }
        for (RelayProcess relay : List.of(replicas.a, replicas.b)) {
            assertThat(relay.output()).doesNotContain("Lost the lease", "is taken over");
        }
    }

    @Test
    @Order(2)
    void aProcessThatEndedIsReplacedBeforeItsLeaseEnds() {
        Answer answer = Answer.asked(replicas.a, replicas.b.api(), "agents", "words 400 20");
        answer.reader().awaitEvents(40);

        proxyOfA.forget();
        replicas.a.kill9();

        Awaitility.await("the other goes on with the turn, long before the lease ends").atMost(LEASE.dividedBy(2))
                .pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(50))
                .until(() -> replicas.rowsBy("b", answer.reader().turn()) > 0);
        replicas.assertWhole(answer.reader(), answer.conversation(), "[DONE]");
        assertThat(EventSourceReader.words(answer.reader().answer())).isEqualTo(EventSourceReader.words(400));
        assertThat(replicas.writers(answer.reader().turn())).isEqualTo("a b");
    }
}
