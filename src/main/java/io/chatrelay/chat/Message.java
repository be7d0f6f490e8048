package io.chatrelay.chat;

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

import io.chatrelay.chat.Question.Said;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;

/**
 * A message of a conversation. The user's are stored when they are sent; the assistant's in the transaction of the turn's
 * last event, by {@link TurnEnd}.
 */
@Entity
@Table(name = "message")
class Message {

    @Id
    UUID id;

    @Column(name = "conversation_id", updatable = false)
    UUID conversationId;

    @Column(name = "turn_id", updatable = false)
    UUID turnId;

    @Column(updatable = false)
    int position;

    @Column(name = "external_id", updatable = false)
    String externalId;

    @Column(updatable = false)
    String role;

    /** Who of several speaks, or null. */
    @Column(updatable = false)
    String name;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    String parts;

    @Column(updatable = false)
    String model;

    @Column(name = "finish_reason", updatable = false)
    String finishReason;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    String usage;

    /** Changed by {@link Repository#supersede} alone. */
    @Column(name = "superseded_by", updatable = false)
    UUID supersededBy;

    @Column(name = "created_at", updatable = false)
    Instant createdAt;

    MessageView view() {
        return new MessageView(externalId == null ? id.toString() : externalId, position, role, name, new RawJson(parts),
                turnId,
                model, finishReason, usage == null ? null : new RawJson(usage), createdAt);
    }

    /** As an upstream without memory is told it. */
    Said said() {
        return new Said(Role.of(role), Parts.read(parts), name);
    }

    @ApplicationScoped
    static class Repository implements PanacheRepositoryBase<Message, UUID> {

        Optional<Message> current(UUID conversation, String externalId) {
            return find("conversationId = ?1 and externalId = ?2 and supersededBy is null", conversation, externalId)
                    .firstResultOptional();
        }

        /** From that place on nothing is part of the conversation any more: the turn says it anew. */
        void supersede(UUID conversation, int fromPosition, UUID turn) {
            getEntityManager().createNativeQuery("""
                    update message set superseded_by = :turn
                    where conversation_id = :conversation and position >= :position and superseded_by is null""")
                    .setParameter("turn", turn).setParameter("conversation", conversation)
                    .setParameter("position", fromPosition).executeUpdate();
        }

        /**
         * Newest first, those before a place: as many as fit into both bounds. What does not fit is not loaded: a message may
         * hold an image.
         *
         * @param one whether one is given however large it is
         */
        List<Message> page(UUID conversation, int beforePosition, int limit, long maxBytes, boolean one) {
            @SuppressWarnings("unchecked")
            List<Number> positions = getEntityManager()
                    .createNativeQuery(
                            """
                                    select position from (
                                        select position, sum(size) over (order by position desc) as size, row_number() over (order by position desc) as n
                                        from (select position, octet_length(parts::text) as size from message
                                              where conversation_id = :conversation and position < :before and superseded_by is null
                                              order by position desc limit :limit) as newest) as sized
                                    where size <= :bytes or (:one and n = 1) order by position""")
                    .setParameter("conversation", conversation)
                    .setParameter("before", beforePosition).setParameter("limit", limit).setParameter("bytes", maxBytes)
                    .setParameter("one", one)
                    .getResultList();
            return positions.isEmpty() ? List.of()
                    : find("conversationId = ?1 and position < ?2 and position >= ?3 and supersededBy is null"
                            + " order by position desc", conversation, beforePosition, positions.getFirst().intValue())
                            .page(0, limit).list();
        }

        /** As {@link #page}, but oldest first, those after a place; one is always given. */
        List<Message> pageAfter(UUID conversation, int afterPosition, int limit, long maxBytes) {
            @SuppressWarnings("unchecked")
            List<Number> positions = getEntityManager()
                    .createNativeQuery(
                            """
                                    select position from (
                                        select position, sum(size) over (order by position) as size, row_number() over (order by position) as n
                                        from (select position, octet_length(parts::text) as size from message
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

        /** What the user said in a turn that has no answer yet, in order. */
        List<Message> asked(UUID turn) {
            return find("turnId = ?1 order by position", turn).list();
        }

        List<Message> system(UUID conversation) {
            return find("conversationId = ?1 and role = 'system' and supersededBy is null order by position", conversation)
                    .list();
        }
    }
}
