package io.chatrelay.conversation;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;

import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

import io.chatrelay.event.MessageParts;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;

/**
 * A message of a conversation. User messages are stored when they are sent; assistant messages are stored in the transaction of the turn's last
 * event ({@link ConversationEffects}).
 */
@Entity
@Table(name = "message")
public class Message {

    @Id
    public UUID id;

    @Column(name = "conversation_id", updatable = false)
    public UUID conversationId;

    @Column(name = "turn_id", updatable = false)
    public UUID turnId;

    @Column(updatable = false)
    public int position;

    @Column(name = "external_id", updatable = false)
    public String externalId;

    @Column(updatable = false)
    public String role;

    /** The name of the speaker among several, or null. */
    @Column(updatable = false)
    public String name;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    public String parts;

    @Column(updatable = false)
    String model;

    /** Size in bytes, by which pages are limited; null if the previous version stored the message. */
    @Column(updatable = false)
    public Integer size;

    @Column(name = "finish_reason", updatable = false)
    String finishReason;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    String usage;

    /** Changed only by {@link Repository#supersede}. */
    @Column(name = "superseded_by", updatable = false)
    UUID supersededBy;

    @Column(name = "created_at", updatable = false)
    public Instant createdAt;

    MessageView view() {
        return new MessageView(externalId == null ? id.toString() : externalId, position, role, name, new RawJson(parts),
                turnId,
                model, finishReason, usage == null ? null : new RawJson(usage), createdAt);
    }

    /** The form that is sent to an upstream without memory. */
    ChatMessage said() {
        return new ChatMessage(Role.of(role), MessageParts.read(parts), name);
    }

    @ApplicationScoped
    public static class Repository implements PanacheRepositoryBase<Message, UUID> {

        public Optional<Message> current(UUID conversation, String externalId) {
            return find("conversationId = ?1 and externalId = ?2 and supersededBy is null", conversation, externalId)
                    .firstResultOptional();
        }

        /**
         * Supersedes all messages from this position on: the turn replaces them. Instructions remain: an edit changes the messages, not how they are
         * answered.
         */
        public void supersede(UUID conversation, int fromPosition, UUID turn) {
            getEntityManager().createNativeQuery("""
                    update message set superseded_by = :turn
                    where conversation_id = :conversation and position >= :position and superseded_by is null
                      and role <> 'system'""")
                    .setParameter("turn", turn).setParameter("conversation", conversation)
                    .setParameter("position", fromPosition).executeUpdate();
        }

        /**
         * Messages before a position, newest first: as many as fit into both limits, but at least one, whatever its size. Messages that do not fit
         * are not loaded: a message may contain an image.
         */
        List<Message> page(UUID conversation, int beforePosition, int limit, long maxBytes) {
            List<Integer> positions = newest(conversation, beforePosition, limit, maxBytes, "", "or n = 1");
            return positions.isEmpty() ? List.of()
                    : find("conversationId = ?1 and position < ?2 and position >= ?3 and supersededBy is null"
                            + " order by position desc", conversation, beforePosition, positions.getFirst()).page(0, limit)
                            .list();
        }

        /** Messages without instructions, oldest first: the newest that fit into both limits. */
        List<Message> said(UUID conversation, int limit, long maxBytes) {
            List<Integer> positions = newest(conversation, Integer.MAX_VALUE, limit, maxBytes, "and role <> 'system'", "");
            return positions.isEmpty() ? List.of()
                    : find("conversationId = ?1 and position >= ?2 and role <> 'system' and supersededBy is null"
                            + " order by position", conversation, positions.getFirst()).list();
        }

        /** @return the positions of the messages that fit, in order */
        private List<Integer> newest(UUID conversation, int beforePosition, int limit, long maxBytes, String only,
                String orElse) {
            @SuppressWarnings("unchecked")
            List<Number> positions = getEntityManager()
                    .createNativeQuery(
                            """
                                    select position from (
                                        select position, sum(size) over (order by position desc) as size, row_number() over (order by position desc) as n
                                        from (select position, coalesce(size, octet_length(parts::text)) as size from message
                                              where conversation_id = :conversation and position < :before and superseded_by is null %s
                                              order by position desc limit :limit) as newest) as sized
                                    where size <= :bytes %s order by position"""
                                    .formatted(only, orElse))
                    .setParameter("conversation", conversation)
                    .setParameter("before", beforePosition).setParameter("limit", limit).setParameter("bytes", maxBytes)
                    .getResultList();
            return positions.stream().map(Number::intValue).toList();
        }

        /** As {@link #page}, but messages after a position, oldest first; always at least one. */
        List<Message> pageAfter(UUID conversation, int afterPosition, int limit, long maxBytes) {
            @SuppressWarnings("unchecked")
            List<Number> positions = getEntityManager()
                    .createNativeQuery(
                            """
                                    select position from (
                                        select position, sum(size) over (order by position) as size, row_number() over (order by position) as n
                                        from (select position, coalesce(size, octet_length(parts::text)) as size from message
                                              where conversation_id = :conversation and position > :after and superseded_by is null
                                              order by position limit :limit) as oldest) as sized
                                    where size <= :bytes or n = 1 order by position desc""")
                    .setParameter("conversation", conversation).setParameter("after", afterPosition)
                    .setParameter("limit", limit).setParameter("bytes", maxBytes).getResultList();
            return positions.isEmpty() ? List.of()
                    : find("conversationId = ?1 and position > ?2 and position <= ?3 and supersededBy is null order by position",
                            conversation, afterPosition, positions.getFirst().intValue()).page(0, limit).list();
        }

        boolean isNewer(Message than) {
            return count("conversationId = ?1 and position > ?2 and supersededBy is null", than.conversationId,
                    than.position) > 0;
        }

        boolean isOlder(Message than) {
            return count("conversationId = ?1 and position < ?2 and supersededBy is null", than.conversationId,
                    than.position) > 0;
        }

        /** The user's messages of a turn that has no answer yet, in order. */
        public List<Message> asked(UUID turn) {
            return find("turnId = ?1 order by position", turn).list();
        }

        /**
         * The current instructions in order: those of the newest request that contained any. Each belongs to that request's turn. Instructions that
         * an earlier version stored have no turn and form one set, of which the newest that fit are returned.
         *
         * @param limit    of messages; a larger set, or one with more bytes, was never stored with a turn
         * @param maxBytes of all of them together
         */
        List<Message> instructions(UUID conversation, int limit, long maxBytes) {
            @SuppressWarnings("unchecked")
            List<Number> positions = getEntityManager()
                    .createNativeQuery(
                            """
                                    select position from (
                                        select position, sum(size) over newest_first as size,
                                               count(*) filter (where turn_id is distinct from newest) over newest_first as others
                                        from (select position, turn_id, first_value(turn_id) over (order by position desc) as newest,
                                                     coalesce(size, octet_length(parts::text)) as size
                                              from message
                                              where conversation_id = :conversation and role = 'system' and superseded_by is null
                                              order by position desc limit :limit) as given
                                        window newest_first as (order by position desc)) as sized
                                    where others = 0 and size <= :bytes""")
                    .setParameter("conversation", conversation).setParameter("limit", limit)
                    .setParameter("bytes", maxBytes).getResultList();
            return positions.isEmpty() ? List.of()
                    : find("conversationId = ?1 and position in ?2 order by position", conversation,
                            positions.stream().map(Number::intValue).toList()).list();
        }
    }
}
