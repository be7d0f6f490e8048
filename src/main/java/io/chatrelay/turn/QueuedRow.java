package io.chatrelay.turn;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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

    /** Its turn could not begin and is not tried again before. */
    @Column(name = "not_before")
    Instant notBefore;

    /** Why its turn can never begin, for its caller; or null. */
    @Column
    String refusal;

    /** The command as it was sent, to a conversation that is known now. */
    SendCommand command(String conversationExternalId) {
        StoredRequest asked = StoredRequest.read(request).orElseThrow();
        List<ChatMessage> all = IntStream.range(0, roles.length)
                .mapToObj(i -> new ChatMessage(Role.of(roles[i]), MessageParts.read(parts[i]), names[i])).toList();
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
                said, queuedAt, refusal);
    }

    @ApplicationScoped
    static class Repository implements PanacheRepositoryBase<QueuedRow, UUID> {

        private static final String WAITS = "conversationId = ?1 and refusal is null";

        private final QueueConfig config;

        Repository(QueueConfig config) {
            this.config = config;
        }

        /**
         * Stores a command behind those that wait in its conversation, which is locked.
         *
         * @throws ChatException if as many wait as may
         */
        QueuedMessage add(SendCommand command, byte[] digest, Conversation conversation, Upstream upstream) {
            int ahead = (int) count(WAITS, conversation.id);
            if (ahead >= config.maxMessages()) {
                throw ChatException.queueFull(ahead);
            }
            QueuedRow row = row(command, digest, conversation, upstream);
            persistAndFlush(row);
            return row.view(conversation.externalId, ahead, false);
        }

        private QueuedRow row(SendCommand command, byte[] digest, Conversation conversation, Upstream upstream) {
            List<ChatMessage> all = Stream.concat(command.before().stream(), command.asked().stream()).toList();
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
            row.earlier = command.before().size();
            row.roles = all.stream().map(said -> said.role().wireName()).toArray(String[]::new);
            row.names = all.stream().map(ChatMessage::name).toArray(String[]::new);
            row.parts = all.stream().map(said -> MessageParts.write(said.parts())).toArray(String[]::new);
            row.request = StoredRequest.of(command, upstream).write();
            row.idempotencyKey = command.idempotencyKey();
            row.commandDigest = digest;
            row.clientRepeats = command.maybeRepeated();
            row.size = Stream.of(row.parts).mapToInt(String::length).sum();
            row.queuedAt = now();
            row.notBefore = row.queuedAt;
            return row;
        }

        private int last(UUID conversation) {
            return find("conversationId = ?1 order by place desc", conversation).page(0, 1).<QueuedRow>firstResultOptional()
                    .map(row -> row.place).orElse(0);
        }

        private Instant now() {
            return (Instant) getEntityManager().createNativeQuery("select clock_timestamp()", Instant.class).getSingleResult();
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
                    + " and queuedAt > ?4 order by place desc", command.tenant(), command.caller(), digest, since).page(0, 1)
                    .firstResultOptional();
        }

        Optional<QueuedRow> in(UUID conversation, UUID id) {
            return findByIdOptional(id).filter(row -> row.conversationId.equals(conversation));
        }

        void remove(QueuedRow row) {
            delete(row);
            flush();
        }

        QueuedMessage view(QueuedRow row, String conversation) {
            return row.view(conversation, (int) count(WAITS + " and place < ?2", row.conversationId, row.place), false);
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
            int ahead = (int) count(WAITS + " and place < ?2", conversation, rows.getFirst().place);
            for (QueuedRow row : rows) {
                views.add(row.view(externalId, ahead, true));
                ahead += row.refusal == null ? 1 : 0;
            }
            return views;
        }

        /** Conversations in which a turn may begin that waits. */
        @SuppressWarnings("unchecked")
        List<UUID> due(int limit) {
            return getEntityManager().createNativeQuery("""
                    select q.conversation_id from queued_message q
                    where q.refusal is null and q.not_before <= clock_timestamp()
                      and (select f.id from queued_message f where f.conversation_id = q.conversation_id and f.refusal is null
                           order by f.place limit 1) = q.id
                      and (select t.id from turn t where t.conversation_id = q.conversation_id
                           and t.state in ('running', 'awaiting_approval')) is null
                    limit :most""", UUID.class).setParameter("most", limit).getResultList();
        }

        long waiting() {
            return count("refusal is null");
        }

        /** Its turn cannot begin now. */
        void postpone(UUID conversation, Duration time) {
            update("notBefore = ?2 where id = ?1", first(conversation).map(row -> row.id).orElse(null), now().plus(time));
        }

        /** Its turn can never begin: the message stays for its caller to see, and those behind it go on. */
        void refuse(UUID conversation, String reason) {
            update("refusal = ?2 where id = ?1", first(conversation).map(row -> row.id).orElse(null), reason);
        }
    }
}
