package io.chatrelay.approval;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import jakarta.persistence.TypedQuery;

import org.hibernate.annotations.Immutable;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;
import io.quarkus.hibernate.orm.panache.PanacheRepositoryBase;
import io.quarkus.panache.common.Page;

/** A stored approval, read only: {@link Ledger} contains the SQL that writes it. */
@Entity
@Immutable
@Table(name = "tool_approval")
public class ApprovalRow {

    @Id
    UUID id;

    String tenant;

    @Column(name = "conversation_id")
    UUID conversationId;

    @Column(name = "turn_id")
    UUID turnId;

    @Column(name = "call_id")
    String callId;

    @Column(name = "approval_id")
    String approvalId;

    @Column(name = "tool_name")
    String toolName;

    String input;

    /** Size of the upstream's data; null if the previous version stored the row. */
    @Column(name = "size")
    Integer bytes;

    @Column(name = "input_digest")
    byte[] inputDigest;

    String state;

    @Column(name = "asked_at")
    Instant askedAt;

    @Column(name = "expires_at")
    Instant expiresAt;

    @Column(name = "decided_at")
    Instant decidedAt;

    @Column(name = "decided_by")
    String decidedBy;

    @Column(name = "decided_for")
    String decidedFor;

    String reason;

    public int attempts;

    @Column(name = "sent_at")
    Instant sentAt;

    @Column(name = "acknowledged_at")
    Instant acknowledgedAt;

    public String outcome;

    @Column(name = "outcome_at")
    Instant outcomeAt;

    /** Empty for a decision that only a later version knows. */
    Optional<ApprovalState> decision() {
        return ApprovalState.of(state);
    }

    boolean isPending() {
        return decidedAt == null;
    }

    String digest() {
        return HexFormat.of().formatHex(inputDigest);
    }

    public ApprovalView view(String conversationExternalId) {
        return new ApprovalView(id, conversationExternalId, turnId, callId, approvalId, toolName, new RawJson(input), digest(),
                state, askedAt, expiresAt, decidedAt, by(), reason, outcome, history());
    }

    private String by() {
        return decidedFor == null ? decidedBy : decidedBy + " for " + decidedFor;
    }

    private List<ApprovalView.Step> history() {
        List<ApprovalView.Step> history = new ArrayList<>(6);
        history.add(new ApprovalView.Step("proposed", askedAt, null, null, null));
        if (decidedAt != null) {
            history.add(new ApprovalView.Step(state, decidedAt, by(), reason, null));
        }
        if (sentAt != null) {
            history.add(new ApprovalView.Step("sent", sentAt, null, null, attempts));
        }
        if (acknowledgedAt != null) {
            history.add(new ApprovalView.Step("acknowledged", acknowledgedAt, null, null, null));
        }
        if (outcome != null) {
            if (sentAt != null) {
                history.add(new ApprovalView.Step("delivered", outcomeAt, null, null, null));
            }
            history.add(new ApprovalView.Step(outcome, outcomeAt, null, null, null));
        }
        // The columns are written independently: an acknowledgement can be later than the outcome.
        return history.stream().sorted(Comparator.comparing(ApprovalView.Step::at)).toList();
    }

    @ApplicationScoped
    public static class Repository implements PanacheRepositoryBase<ApprovalRow, UUID> {

        /** Of the conversations of the tenant ?1, those of the end user ?%d. */
        private static final String OF_END_USER = " and conversationId in (select c.id from Conversation c where c.tenant = ?1 and c.endUser = ?%d)";

        /** One statement, whether there is no such approval or it is outside of the scope. */
        Optional<ApprovalRow> of(Scope scope, UUID id) {
            return (scope.endUser() == null ? find("tenant = ?1 and id = ?2", scope.tenant(), id)
                    : find("tenant = ?1 and id = ?2" + OF_END_USER.formatted(3), scope.tenant(), id, scope.endUser()))
                    .firstResultOptional();
        }

        /** The call's approval. If the model used the same id in several turns: the pending one, else the newest. */
        Optional<ApprovalRow> ofCall(UUID conversation, Optional<UUID> turn, String callId) {
            if (turn.isPresent()) {
                return find("turnId = ?1 and callId = ?2", turn.get(), callId).firstResultOptional();
            }
            return find("""
                    conversationId = ?1 and callId = ?2
                    order by case when state = 'pending' then 0 else 1 end, id desc""", conversation, callId)
                    .page(Page.ofSize(1))
                    .firstResultOptional();
        }

        /**
         * Whether a call with the same id requested approval in another turn and was pending or decided since then: a retry of that answer may still
         * arrive.
         *
         * @param sameInput whether only calls with the same input count
         */
        boolean isOfOthers(ApprovalRow row, boolean sameInput, Instant since) {
            String others = "conversationId = ?1 and callId = ?2 and turnId <> ?3 and (decidedAt is null or decidedAt > ?4)";
            return (sameInput
                    ? count(others + " and inputDigest = ?5", row.conversationId, row.callId, row.turnId, since,
                            row.inputDigest)
                    : count(others, row.conversationId, row.callId, row.turnId, since)) > 0;
        }

        public List<ApprovalRow> pending(UUID turn) {
            return list("turnId = ?1 and state = 'pending' order by id", turn);
        }

        public List<ApprovalRow> ofTurn(UUID turn) {
            return list("turnId = ?1 order by id", turn);
        }

        /** Bytes by approval id, newest first. Each query has its own index. */
        Map<UUID, Long> sizes(Scope scope, Optional<ApprovalState> state, UUID conversation, UUID before, int limit) {
            StringBuilder where = new StringBuilder("tenant = ?1 and id < ?2");
            List<Object> parameters = new ArrayList<>(List.of(scope.tenant(), before == null ? new UUID(-1, -1) : before));
            state.ifPresent(wanted -> {
                parameters.add(wanted.wireName());
                where.append(" and state = ?").append(parameters.size());
            });
            if (scope.endUser() != null) {
                parameters.add(scope.endUser());
                where.append(OF_END_USER.formatted(parameters.size()));
            }
            if (conversation != null) {
                parameters.add(conversation);
                where.append(" and conversationId = ?").append(parameters.size());
            }
            TypedQuery<Object[]> query = getEntityManager().createQuery(
                    "select id, coalesce(bytes, octet_length(input)) from ApprovalRow where " + where + " order by id desc",
                    Object[].class);
            for (int i = 0; i < parameters.size(); i++) {
                query.setParameter(i + 1, parameters.get(i));
            }
            Map<UUID, Long> sizes = new LinkedHashMap<>();
            query.setMaxResults(limit).getResultList().forEach(row -> sizes.put((UUID) row[0], ((Number) row[1]).longValue()));
            return sizes;
        }

        List<ApprovalRow> newestFirst(Collection<UUID> ids) {
            return ids.isEmpty() ? List.of() : list("id in ?1 order by id desc", ids);
        }
    }
}
