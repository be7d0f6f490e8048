package io.chatrelay.turn;

import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.Basic;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.FetchType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

import io.chatrelay.event.Failure;
import io.chatrelay.event.TraceContext;
import io.chatrelay.event.Turn;
import io.chatrelay.event.TurnView;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;

/**
 * A stored turn. The row is inserted once when the turn begins. Later changes are made by compare-and-set SQL in the journal's transactions, so no
 * column is updatable here: Hibernate writes all columns back.
 */
@Entity
@Table(name = "turn")
class TurnRow {

    @Id
    UUID id;

    @Column(updatable = false)
    String tenant;

    @Column(name = "conversation_id", updatable = false)
    UUID conversationId;

    /** Position among the conversation's turns, from 1; null if an earlier version began the turn. */
    @Column(updatable = false)
    Integer ordinal;

    /**
     * While the turn runs, one of two names: the index that allows one running turn per conversation counts these. After the end, it may be a name
     * that only a later version knows.
     */
    @Column(updatable = false)
    String state;

    @Column(updatable = false)
    UUID owner;

    @Column(updatable = false)
    String upstream;

    @Column(updatable = false)
    String model;

    @Column(name = "message_id", updatable = false)
    UUID messageId;

    @Column(name = "message_position", updatable = false)
    int messagePosition;

    /** A {@link StoredRequest}, while the turn runs. It may be as large as a request, and only a replica that takes the turn over reads it. */
    @Basic(fetch = FetchType.LAZY)
    @Column(updatable = false)
    private String request;

    @Column(name = "upstream_position", updatable = false)
    String upstreamPosition;

    @Column(updatable = false)
    String caller;

    /** For whom the caller sent the message, or null. An earlier version stored it with the conversation alone. */
    @Column(name = "end_user", updatable = false)
    String endUser;

    @Column(name = "idempotency_key", updatable = false)
    String idempotencyKey;

    @Column(name = "command_digest", updatable = false)
    byte[] commandDigest;

    /** Whether its client automatically retries requests without a key. */
    @Column(name = "client_repeats", updatable = false)
    boolean clientRepeats;

    /** A {@link TraceContext}, or null if the turn is not traced. */
    @Column(name = "trace_context", updatable = false)
    String traceContext;

    @Column(name = "finish_reason", updatable = false)
    String finishReason;

    @Column(name = "error_code", updatable = false)
    String errorCode;

    @Column(name = "last_event", updatable = false)
    long lastEvent;

    /** When a caller requested the cancellation, or null. */
    @Column(name = "cancel_asked_at", updatable = false)
    Instant cancelAskedAt;

    @Column(name = "started_at", updatable = false)
    Instant startedAt;

    /** Whether its message waited, and its sender was told so. Null where it did not. */
    @Column(updatable = false)
    Boolean acknowledged;

    @Column(name = "ended_at", updatable = false)
    Instant endedAt;

    boolean running() {
        return endedAt == null;
    }

    /** The request beside its message; empty if a version that did not store it began the turn. */
    Optional<StoredRequest> request() {
        return StoredRequest.read(request);
    }

    void remember(StoredRequest asked) {
        request = asked.write();
    }

    Turn turn(String conversationExternalId) {
        return new Turn(id, tenant, caller, conversationId, conversationExternalId, ordinal == null ? 0 : ordinal,
                upstream, model, messageId, startedAt, Boolean.TRUE.equals(acknowledged), TraceContext.read(traceContext));
    }

    /**
     * Whether the command with this digest has the content that began this turn. The client may have sent it before it knew the conversation, and
     * name it now: the caller compares the conversation.
     */
    boolean isBegunBy(SendCommand command, byte[] digest) {
        return Arrays.equals(commandDigest, digest) || Arrays.equals(commandDigest, CommandDigest.ofNameless(command));
    }

    private TurnView view(String conversationExternalId, long lastEvent) {
        return new TurnView(id, conversationExternalId, state, running() ? null : state, finishReason, lastEvent, startedAt,
                endedAt);
    }

    @ApplicationScoped
    static class Repository implements PanacheRepositoryBase<TurnRow, UUID> {

        /** All other turns of a running turn's conversation are earlier. Ids do not show this: each replica has its own clock. */
        private static final String LEFT = "conversationId = ?1 and id <> ?2 and state <> 'completed'"
                + " and endedAt > ?3 and (errorCode is null or errorCode not in ?4)";

        /** With these errors the upstream did not begin a run. */
        private static final List<String> REFUSED = Stream.of(Failure.Code.UPSTREAM_UNAUTHORIZED,
                Failure.Code.UPSTREAM_RATE_LIMITED, Failure.Code.UPSTREAM_REFUSED, Failure.Code.CONTEXT_LENGTH_EXCEEDED)
                .map(Failure.Code::wireName).toList();

        Optional<TurnRow> running(UUID conversation) {
            return find("conversationId = ?1 and state in ('running', 'awaiting_approval')", conversation)
                    .firstResultOptional();
        }

        /** The running turn, or else the newest. Ids come from several replicas' clocks and do not always show the newest. */
        Optional<TurnRow> current(UUID conversation) {
            return running(conversation)
                    .or(() -> find("conversationId = ?1 order by id desc", conversation).page(0, 1).firstResultOptional());
        }

        Optional<TurnRow> inConversation(UUID conversation, UUID turn) {
            return find("conversationId = ?1 and id = ?2", conversation, turn).firstResultOptional();
        }

        Optional<TurnRow> byOrdinal(UUID conversation, int ordinal) {
            return find("conversationId = ?1 and ordinal = ?2", conversation, ordinal).firstResultOptional();
        }

        /** The turn whose answer is this message. */
        Optional<TurnRow> ofAnswer(UUID conversation, UUID message) {
            return find("conversationId = ?1 and messageId = ?2", conversation, message).firstResultOptional();
        }

        /**
         * Whether an earlier run of the conversation, which this service stopped reading, may still be active at its upstream. A run that the
         * upstream rejected was never active.
         */
        boolean mayStillSpeak(UUID conversation, UUID turn, Instant since) {
            return count(LEFT, conversation, turn, since, REFUSED) > 0;
        }

        /** The turns in whose conversation an earlier run {@linkplain #mayStillSpeak may still be active}. */
        Set<UUID> mayBeMistaken(Collection<UUID> turns, Instant since) {
            return Set.copyOf(getEntityManager().createQuery("""
                    select t.id from TurnRow t where t.id in :turns and exists (
                        select 1 from TurnRow e where e.conversationId = t.conversationId and e.id <> t.id
                          and e.state <> 'completed' and e.endedAt > :since
                          and (e.errorCode is null or e.errorCode not in :refused))""", UUID.class)
                    .setParameter("turns", turns).setParameter("since", since).setParameter("refused", REFUSED)
                    .getResultList());
        }

        /** As {@link #mayStillSpeak}, for runs whose upstream id is unknown. */
        boolean mayBeUnknown(UUID conversation, UUID turn, Instant since) {
            return count(LEFT + " and upstreamPosition is null", conversation, turn, since, REFUSED) > 0;
        }

        /** The upstream's ids of the conversation's runs before the run of this turn. */
        Set<String> earlierRuns(UUID conversation, UUID turn) {
            return Set.copyOf(getEntityManager().createQuery(
                    "select upstreamPosition from TurnRow where conversationId = :conversation and id <> :turn"
                            + " and upstreamPosition is not null",
                    String.class).setParameter("conversation", conversation).setParameter("turn", turn).getResultList());
        }

        Optional<TurnRow> byKey(String tenant, String caller, String key) {
            return find("tenant = ?1 and caller = ?2 and idempotencyKey = ?3", tenant, caller, key).firstResultOptional();
        }

        /** Finds only turns of a client that automatically retries; any other client sends the same content twice on purpose. */
        Optional<TurnRow> byDigest(String tenant, String caller, byte[] digest, Instant since) {
            return find(
                    "tenant = ?1 and caller = ?2 and commandDigest = ?3 and clientRepeats and idempotencyKey is null and startedAt > ?4 order by startedAt desc",
                    tenant,
                    caller, digest, since).page(0, 1).firstResultOptional();
        }

        /** The turns with this ordinal that equal commands began, at most two: with more than one it is unknown which is meant. */
        List<TurnRow> begunBy(String tenant, String caller, byte[] digest, int ordinal, Instant since) {
            return find(
                    "tenant = ?1 and caller = ?2 and commandDigest = ?3 and ordinal = ?4 and startedAt > ?5 order by startedAt desc",
                    tenant, caller, digest, ordinal, since).page(0, 2).list();
        }

        /** The view for callers. The row of a running turn does not contain its last event number, so it is looked up. */
        TurnView view(TurnRow turn, String conversation) {
            return turn.running() ? turn.view(conversation, lastEvent(turn.id)) : turn.view(conversation, turn.lastEvent);
        }

        private long lastEvent(UUID turn) {
            return ((Number) getEntityManager()
                    .createNativeQuery(
                            "select coalesce((select last from turn_event where turn_id = :turn order by first desc limit 1), 0)")
                    .setParameter("turn", turn).getSingleResult()).longValue();
        }

        /** The database's time, by which turns begin and end: the clocks of replicas differ. */
        Instant now() {
            return (Instant) getEntityManager().createNativeQuery("select clock_timestamp()", Instant.class).getSingleResult();
        }

        /** Seconds until the turn's replica is replaced, if the replica has missed a renewal; otherwise empty. By the database's clock. */
        Optional<Long> replacedIn(UUID turn, long renewMillis) {
            @SuppressWarnings("unchecked")
            List<Number> seconds = getEntityManager().createNativeQuery(
                    """
                            select greatest(1, ceil(extract(epoch from coalesce(r.lease_end, clock_timestamp()) - clock_timestamp())) + 2)
                            from turn t left join replica r on r.incarnation = t.owner
                            where t.id = :turn
                              and (r.alive is not true or r.renewed_at < clock_timestamp() - :millis * 1.5 * interval '1 millisecond')""")
                    .setParameter("turn", turn).setParameter("millis", renewMillis).getResultList();
            return seconds.stream().findFirst().map(Number::longValue);
        }
    }
}
