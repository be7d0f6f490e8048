package io.chatrelay.turn;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.OnRunning;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.event.Scope;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;

/** A message that waits for its turn, with all that its turn needs. The row is removed by the transaction that begins the turn, which has its id. */
@Entity
@Table(name = "queued_message")
class QueuedRow {

    @Id
    UUID id;

    @Column(name = "conversation_id", updatable = false)
    UUID conversationId;

    /** In the conversation's queue. */
    @Column(updatable = false)
    int place;

    @Column(updatable = false)
    String tenant;

    @Column(updatable = false)
    String caller;

    @Column(name = "end_user", updatable = false)
    String endUser;

    @Column(updatable = false)
    String upstream;

    @Column(updatable = false)
    String model;

    @Column(name = "message_external_id", updatable = false)
    String messageExternalId;

    /** How many of the messages are earlier ones; those after them are asked. */
    @Column(updatable = false)
    int earlier;

    @Column(updatable = false)
    String[] roles;

    @Column(updatable = false)
    String[] names;

    /** Of each message, as they are stored. */
    @Column(updatable = false)
    String[] parts;

    /** The request beside its messages. */
    @Column(updatable = false)
    String request;

    @Column(name = "idempotency_key", updatable = false)
    String idempotencyKey;

    @Column(name = "command_digest", updatable = false)
    byte[] commandDigest;

    @Column(name = "client_repeats", updatable = false)
    boolean clientRepeats;

    /** Of the messages, in bytes. */
    @Column(updatable = false)
    int size;

    @Column(name = "queued_at", updatable = false)
    Instant queuedAt;

    /** Another message goes first until then. */
    @Column(name = "not_before")
    Instant notBefore;

    /** Since when its turn cannot begin for a reason of its own; or null. */
    @Column(name = "failing_since")
    Instant failingSince;

    /** That reason, for its caller; or null. */
    @Column
    String refusal;

    /** Whether it is final. */
    @Column
    boolean refused;

    /** The command as it was sent, to a conversation that is known now. */
    SendCommand command(String conversationExternalId) {
        StoredRequest asked = StoredRequest.read(request).orElseThrow();
        List<ChatMessage> all = IntStream.range(0, roles.length)
                .mapToObj(i -> new ChatMessage(Role.of(roles[i]), MessageParts.whole(parts[i]), names[i])).toList();
        return new SendCommand(Scope.of(tenant), caller, conversationExternalId, model, messageExternalId,
                all.subList(earlier, all.size()), earlier, all.subList(0, earlier),
                IntStream.range(0, earlier).boxed().toList(),
                asked.parameters(), asked.headers(), endUser, idempotencyKey, clientRepeats, false, OnRunning.REFUSE, false);
    }

    private QueuedMessage view(String conversationExternalId, int ahead, boolean isWhole) {
        List<QueuedMessage.Said> said = new ArrayList<>();
        for (int i = earlier; isWhole && i < roles.length; i++) {
            said.add(new QueuedMessage.Said(roles[i], names[i], new RawJson(parts[i])));
        }
        return new QueuedMessage(id, conversationExternalId, place, ahead, caller, endUser, model == null ? upstream : model,
                said, queuedAt, refused ? refusal : null);
    }

    @ApplicationScoped
    static class Repository implements PanacheRepositoryBase<QueuedRow, UUID> {

        private static final String WAITS = "conversationId = ?1 and not refused";

        private final QueueConfig config;

        Repository(QueueConfig config) {
            this.config = config;
        }

        /**
         * Stores a command behind those that wait in its conversation, which is locked.
         *
         * @throws ChatException if there are as many as may be
         */
        QueuedMessage add(SendCommand command, byte[] digest, Conversation conversation, Upstream upstream) {
            int all = (int) count("conversationId = ?1", conversation.id);
            if (all >= config.maxMessages()) {
                throw ChatException.queueFull(all);
            }
            QueuedRow row = row(command, digest, conversation, upstream);
            persistAndFlush(row);
            return view(row, conversation.externalId);
        }

        private QueuedRow row(SendCommand command, byte[] digest, Conversation conversation, Upstream upstream) {
            // A known conversation takes nothing else of what a client repeats of it.
            List<ChatMessage> before = command.before().stream().filter(said -> said.role() == Role.SYSTEM).toList();
            List<ChatMessage> all = Stream.concat(before.stream(), command.asked().stream()).toList();
            QueuedRow row = new QueuedRow();
            row.id = Ids.next();
            row.conversationId = conversation.id;
            row.place = 1 + last(conversation.id);
            row.tenant = command.tenant();
            row.caller = command.caller();
            row.endUser = command.endUser();
            row.upstream = upstream.name();
            row.model = command.model();
            row.messageExternalId = command.messageId();
            row.earlier = before.size();
            row.roles = all.stream().map(said -> said.role().wireName()).toArray(String[]::new);
            row.names = all.stream().map(ChatMessage::name).toArray(String[]::new);
            row.parts = all.stream().map(said -> MessageParts.write(said.parts())).toArray(String[]::new);
            row.request = StoredRequest.of(command, upstream).write();
            row.idempotencyKey = command.idempotencyKey();
            row.commandDigest = digest;
            row.clientRepeats = command.maybeRepeated();
            row.size = Stream.concat(Stream.of(row.parts), Stream.of(row.request))
                    .mapToInt(text -> text.getBytes(StandardCharsets.UTF_8).length).sum();
            row.queuedAt = now();
            row.notBefore = row.queuedAt;
            return row;
        }

        private int last(UUID conversation) {
            return getEntityManager()
                    .createQuery("select coalesce(max(place), 0) from QueuedRow where conversationId = ?1", Integer.class)
                    .setParameter(1, conversation).getSingleResult();
        }

        private Instant now() {
            return (Instant) getEntityManager().createNativeQuery("select clock_timestamp()", Instant.class).getSingleResult();
        }

        /** Whether a message waits in a conversation. */
        boolean waitsIn(UUID conversation) {
            return count(WAITS, conversation) > 0;
        }

        /** The message that is next in a conversation. */
        Optional<QueuedRow> first(UUID conversation) {
            return find(WAITS + " order by place", conversation).page(0, 1).firstResultOptional();
        }

        /** The message of the same caller under the command's key. */
        Optional<QueuedRow> byKey(SendCommand command) {
            return find("tenant = ?1 and caller = ?2 and idempotencyKey = ?3", command.tenant(), command.caller(),
                    command.idempotencyKey()).firstResultOptional();
        }

        /** The message that a client sent before, and repeats without a key. */
        Optional<QueuedRow> byDigest(SendCommand command, byte[] digest, Instant since) {
            return find("tenant = ?1 and caller = ?2 and commandDigest = ?3 and clientRepeats and idempotencyKey is null"
                    + " and not refused and queuedAt > ?4 order by queuedAt desc", command.tenant(), command.caller(), digest,
                    since)
                    .page(0, 1).firstResultOptional();
        }

        /** The waiting message under the sender's id. */
        Optional<QueuedRow> byMessage(UUID conversation, String messageId) {
            return find(WAITS + " and messageExternalId = ?2", conversation, messageId).firstResultOptional();
        }

        /** Whether the message of that id is refused; empty if there is none. */
        Optional<Boolean> refused(UUID conversation, UUID id) {
            return getEntityManager()
                    .createQuery("select refused from QueuedRow where id = ?1 and conversationId = ?2", Boolean.class)
                    .setParameter(1, id).setParameter(2, conversation).getResultStream().findFirst();
        }

        /** False if there is none. */
        boolean remove(UUID conversation, UUID id) {
            return delete("id = ?1 and conversationId = ?2", id, conversation) > 0;
        }

        QueuedMessage view(QueuedRow row, String conversation) {
            return row.view(conversation, ahead(row.conversationId, row.place), false);
        }

        private int ahead(UUID conversation, int place) {
            return (int) count(WAITS + " and place < ?2", conversation, place);
        }

        /** Sizes by id, in order, after a place. */
        Map<UUID, Long> sizes(UUID conversation, int after, int limit) {
            Map<UUID, Long> sizes = new LinkedHashMap<>();
            getEntityManager().createQuery(
                    "select id, size from QueuedRow where conversationId = :conversation and place > :after order by place",
                    Object[].class).setParameter("conversation", conversation).setParameter("after", after).setMaxResults(limit)
                    .getResultStream().forEach(row -> sizes.put((UUID) row[0], ((Number) row[1]).longValue()));
            return sizes;
        }

        /** These messages of a conversation, in order. */
        List<QueuedMessage> views(UUID conversation, List<UUID> ids, String externalId) {
            if (ids.isEmpty()) {
                return List.of();
            }
            List<QueuedRow> rows = list("id in ?1 order by place", ids);
            List<QueuedMessage> views = new ArrayList<>();
            int ahead = rows.isEmpty() ? 0 : ahead(conversation, rows.getFirst().place);
            for (QueuedRow row : rows) {
                views.add(row.view(externalId, ahead, true));
                ahead += row.refused ? 0 : 1;
            }
            return views;
        }

        /** The first message of a conversation in which no turn runs, and who sent it. */
        record Due(UUID conversation, String tenant, String caller) {}

        /**
         * What may begin.
         *
         * @param without conversations that are not to be among them
         */
        List<Due> due(Collection<UUID> without, int limit) {
            @SuppressWarnings("unchecked")
            List<Object[]> rows = getEntityManager().createNativeQuery("""
                    select q.conversation_id, q.tenant, q.caller from queued_message q
                    where not q.refused and q.not_before <= clock_timestamp() and q.conversation_id <> all(:without)
                      and (select f.id from queued_message f where f.conversation_id = q.conversation_id and not f.refused
                           order by f.place limit 1) = q.id
                      and (select t.id from turn t where t.conversation_id = q.conversation_id
                           and t.state in ('running', 'awaiting_approval')) is null
                    order by q.not_before limit :most""")
                    .setParameter("without", without.toArray(UUID[]::new)).setParameter("most", limit).getResultList();
            return rows.stream().map(row -> new Due((UUID) row[0], (String) row[1], (String) row[2])).toList();
        }

        long waiting() {
            return count("not refused");
        }

        /** Nothing that waits begins in a conversation for some time, or from now on again: another message goes first. */
        void holdBack(UUID conversation, Duration time) {
            update("notBefore = ?2 where conversationId = ?1", conversation, now().plus(time));
        }

        /**
         * Notes why the turn of a message cannot begin. Once that is so for long it is final: the message stays for its caller to see, and those
         * behind it go on.
         */
        void fails(QueuedRow row, String reason) {
            Instant now = now();
            if (row.failingSince == null) {
                row.failingSince = now;
            }
            row.refusal = reason;
            row.refused = row.failingSince.plus(config.refuseAfter()).compareTo(now) <= 0;
        }
    }
}
