package io.chatrelay.chat;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.LockModeType;
import jakarta.persistence.Table;

import org.hibernate.annotations.DynamicUpdate;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;

/** A conversation of one tenant. Callers know it by {@link #externalId}, Inkeep by {@link #id}. */
@Entity
@Table(name = "conversation")
@DynamicUpdate
class Conversation {

    @Id
    UUID id;

    @Column(updatable = false)
    String tenant;

    @Column(name = "external_id", updatable = false)
    String externalId;

    @Column(updatable = false)
    String caller;

    @Column(name = "end_user")
    String endUser;

    @Column(updatable = false)
    String upstream;

    String title;

    @JdbcTypeCode(SqlTypes.JSON)
    String properties = "{}";

    /** Where the next message goes. Messages are ordered by it, for the clocks of two replicas differ. */
    @Column(name = "next_position")
    int nextPosition = 1;

    /** How many turns it has had: the next one's ordinal is one more. */
    int turns;

    @Column(name = "created_at", updatable = false)
    Instant createdAt;

    @Column(name = "updated_at")
    Instant updatedAt;

    @ApplicationScoped
    static class Repository implements PanacheRepositoryBase<Conversation, UUID> {

        Optional<Conversation> of(String tenant, String externalId) {
            return find("tenant = ?1 and externalId = ?2", tenant, externalId).firstResultOptional();
        }

        /** Locked until the transaction ends: sends to one conversation come one after another. */
        Optional<Conversation> locked(String tenant, String externalId) {
            return find("tenant = ?1 and externalId = ?2", tenant, externalId).withLock(LockModeType.PESSIMISTIC_WRITE)
                    .firstResultOptional();
        }

        /** Newest first, those before a conversation, or from the newest where there is none. */
        List<Conversation> page(String tenant, UUID before, int limit) {
            return (before == null ? find("tenant = ?1 order by id desc", tenant)
                    : find("tenant = ?1 and id < ?2 order by id desc", tenant, before)).page(0, limit).list();
        }
    }
}
