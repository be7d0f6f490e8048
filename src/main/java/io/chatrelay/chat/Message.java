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

        /** Newest first, those before a place. */
        List<Message> page(UUID conversation, int beforePosition, int limit) {
            return find("conversationId = ?1 and position < ?2 and supersededBy is null order by position desc", conversation,
                    beforePosition).page(0, limit).list();
        }

        List<Message> system(UUID conversation) {
            return find("conversationId = ?1 and role = 'system' and supersededBy is null order by position", conversation)
                    .list();
        }
    }
}
