package io.chatrelay.conversation;

import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.Basic;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.FetchType;
import jakarta.persistence.Id;
import jakarta.persistence.LockModeType;
import jakarta.persistence.Query;
import jakarta.persistence.Table;

import org.hibernate.annotations.DynamicUpdate;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;
import io.quarkus.hibernate.orm.panache.PanacheQuery;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;

/** A conversation of one tenant. Callers know it by {@link #externalId}, the upstream by {@link #id}. */
@Entity
@Table(name = "conversation")
@DynamicUpdate
public class Conversation {

    @Id
    public UUID id;

    @Column(updatable = false)
    public String tenant;

    @Column(name = "external_id", updatable = false)
    public String externalId;

    @Column(updatable = false)
    public String caller;

    @Column(name = "end_user")
    public String endUser;

    @Column(updatable = false)
    public String upstream;

    String title;

    /** Loaded lazily: they may be large, and a send does not need them. */
    @JdbcTypeCode(SqlTypes.JSON)
    @Basic(fetch = FetchType.LAZY)
    private String properties = "{}";

    /** Null if the previous version stored the properties. */
    @Column(name = "properties_size")
    private Integer propertiesSize = 2;

    /** The position of the next message. Messages are ordered by position, because the clocks of two replicas differ. */
    @Column(name = "next_position")
    public int nextPosition = 1;

    /** The number of turns so far: the ordinal of the next turn is one higher. */
    public int turns;

    @Column(name = "created_at", updatable = false)
    public Instant createdAt;

    @Column(name = "updated_at")
    public Instant updatedAt;

    public boolean isIn(Scope scope) {
        return scope.covers(tenant, endUser);
    }

    RawJson properties() {
        return new RawJson(properties);
    }

    /** @param size of their JSON, in bytes */
    void changeProperties(RawJson changed, int size) {
        properties = changed.text();
        propertiesSize = size;
    }

    @ApplicationScoped
    public static class Repository implements PanacheRepositoryBase<Conversation, UUID> {

        public Optional<Conversation> of(Scope scope, String externalId) {
            return in(scope, externalId).firstResultOptional();
        }

        /** Locked until the transaction ends: sends to one conversation are serialised. One outside of the scope is not waited for. */
        public Optional<Conversation> locked(Scope scope, String externalId) {
            return in(scope, externalId).withLock(LockModeType.PESSIMISTIC_WRITE).firstResultOptional();
        }

        private PanacheQuery<Conversation> in(Scope scope, String externalId) {
            return scope.endUser() == null ? find("tenant = ?1 and externalId = ?2", scope.tenant(), externalId)
                    : find("tenant = ?1 and externalId = ?2 and endUser = ?3", scope.tenant(), externalId, scope.endUser());
        }

        /**
         * Sizes by conversation id, newest first, before the given conversation, or from the newest if it is null. Properties that are too large and
         * have no stored size are not decompressed to measure them.
         */
        Map<UUID, Sizes> sizes(Scope scope, UUID before, int limit, long maxProperties) {
            Query query = getEntityManager()
                    .createNativeQuery(
                            """
                                    select id, coalesce(octet_length(title), 0),
                                           coalesce(properties_size, case when pg_column_size(properties) <= :max then octet_length(properties::text)
                                                                     else pg_column_size(properties) end)
                                    from conversation where tenant = :tenant and id < :before %s order by id desc limit :limit"""
                                    .formatted(scope.endUser() == null ? "" : "and end_user = :endUser"))
                    .setParameter("tenant", scope.tenant()).setParameter("before", before == null ? new UUID(-1, -1) : before)
                    .setParameter("max", maxProperties).setParameter("limit", limit);
            if (scope.endUser() != null) {
                query.setParameter("endUser", scope.endUser());
            }
            @SuppressWarnings("unchecked")
            List<Object[]> rows = query.getResultList();
            Map<UUID, Sizes> sizes = new LinkedHashMap<>();
            rows.forEach(row -> sizes.put((UUID) row[0],
                    new Sizes(((Number) row[1]).longValue(), ((Number) row[2]).longValue())));
            return sizes;
        }

        List<Conversation> newestFirst(Collection<UUID> ids) {
            return ids.isEmpty() ? List.of() : list("id in ?1 order by id desc", ids);
        }

        Map<UUID, RawJson> properties(Collection<UUID> ids) {
            return ids.isEmpty() ? Map.of()
                    : getEntityManager().createQuery("select id, properties from Conversation where id in :ids", Object[].class)
                            .setParameter("ids", ids).getResultStream()
                            .collect(Collectors.toMap(row -> (UUID) row[0], row -> new RawJson((String) row[1])));
        }
    }

    /** Bytes of a conversation's data in a list. */
    record Sizes(long title, long properties) {}
}
