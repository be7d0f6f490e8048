package io.chatrelay.chat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;

import org.hibernate.Session;

import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.narayana.jta.QuarkusTransaction;

/**
 * The ledger of approvals, as callers see and answer it. What is another tenant's is not found. The first decision wins, by
 * compare-and-set; the same again is answered the same, a contrary one is refused with what is recorded.
 */
@ApplicationScoped
public class Approvals {

    private final ApprovalRow.Repository approvals;
    private final Conversation.Repository conversations;
    private final TurnRow.Repository turns;
    private final Outbox outbox;
    private final MeterRegistry metrics;

    Approvals(ApprovalRow.Repository approvals, Conversation.Repository conversations, TurnRow.Repository turns, Outbox outbox,
            MeterRegistry metrics) {
        this.approvals = approvals;
        this.conversations = conversations;
        this.turns = turns;
        this.outbox = outbox;
        this.metrics = metrics;
    }

    private record Asked(DecideCommand.Answer answer, ApprovalRow row) {}

    /**
     * Records answers to approvals, all or none. A decision is stored when this returns, and sent after that.
     *
     * @throws ChatException if one cannot be taken: nothing is stored then
     */
    public List<Decided> decide(DecideCommand command) {
        List<Decided> decided = QuarkusTransaction.requiringNew().call(() -> record(command));
        decided.stream().filter(one -> !one.alreadyDecided()).forEach(one -> {
            metrics.counter("chat.relay.approvals", "event",
                    (one.approved() ? ApprovalState.APPROVED : ApprovalState.DENIED).wireName()).increment();
        });
        decided.stream().map(one -> one.turn().id()).distinct().forEach(outbox::nudge);
        return decided;
    }

    private List<Decided> record(DecideCommand command) {
        Conversation conversation = conversation(command.tenant(), command.conversationId());
        List<Asked> asked = new ArrayList<>();
        for (DecideCommand.Answer answer : command.answers()) {
            ApprovalRow row = approvals.ofCall(conversation.id, answer.toolCallId())
                    .orElseThrow(() -> ChatException.notFound("%s: no call of that id asked for approval in this conversation."
                            .formatted(answer.field())));
            if (answer.inputDigest() != null && !answer.inputDigest().equals(row.digest())) {
                throw ChatException.inputChanged(answer.field(),
                        "%s: the call's input is not the one whose digest was sent. Look at it again."
                                .formatted(answer.field()),
                        row.view(conversation.externalId));
            }
            asked.add(new Asked(answer, row));
        }
        // One order for all: two callers who decide the same calls do not wait for each other in a ring.
        asked.stream().sorted(Comparator.comparing(one -> one.row().id)).forEach(one -> set(command, one, conversation));
        return asked.stream().map(one -> decided(one, conversation)).toList();
    }

    private void set(DecideCommand command, Asked asked, Conversation conversation) {
        ApprovalState wanted = wanted(asked.answer());
        boolean first = approvals.getEntityManager().unwrap(Session.class).doReturningWork(
                connection -> Ledger.decide(connection, asked.row().id, wanted, command.caller(), command.endUser(),
                        asked.answer().reason()));
        if (!first) {
            approvals.getEntityManager().refresh(asked.row());
            check(asked, wanted, conversation);
        }
    }

    private static ApprovalState wanted(DecideCommand.Answer answer) {
        return answer.approved() ? ApprovalState.APPROVED : ApprovalState.DENIED;
    }

    /** What was recorded before: the same, or a refusal. */
    private static void check(Asked asked, ApprovalState wanted, Conversation conversation) {
        ApprovalRow row = asked.row();
        String field = asked.answer().field();
        switch (row.state()) {
            case APPROVED, DENIED -> {
                if (row.state() != wanted) {
                    throw ChatException.decided(field,
                            "%s: this call was %s already; the first decision counts.".formatted(field,
                                    row.state),
                            row.view(conversation.externalId));
                }
            }
            // Pending only until its turn's replica looks at the time.
            case EXPIRED, PENDING -> throw ChatException.expired(field,
                    "%s: nobody answered in time, and the call was denied.".formatted(field),
                    row.view(conversation.externalId));
            case SUPERSEDED -> throw ChatException.decided(field,
                    "%s: the turn went on or ended before this was decided.".formatted(field),
                    row.view(conversation.externalId));
        }
    }

    private Decided decided(Asked asked, Conversation conversation) {
        Turn turn = turns.findById(asked.row().turnId).turn(conversation.externalId);
        return new Decided(asked.row().id, turn, asked.answer().toolCallId(), asked.answer().approved(),
                asked.row().state() != ApprovalState.PENDING);
    }

    /**
     * A page of the tenant's approvals, newest first.
     *
     * @param state        or empty for all
     * @param conversation the callers' id of one conversation, or null for all; not found if it is not the tenant's
     * @param before       the id of the last one of the page before, or null
     */
    @Transactional
    public List<ApprovalView> list(String tenant, Optional<ApprovalState> state, String conversation, UUID before, int limit) {
        UUID one = conversation == null ? null : conversation(tenant, conversation).id;
        return views(approvals.page(tenant, state, one, before, limit));
    }

    @Transactional
    public ApprovalView get(String tenant, UUID id) {
        return approvals.findByIdOptional(id).filter(row -> row.tenant.equals(tenant)).map(this::view)
                .orElseThrow(() -> ChatException.notFound("There is no such approval."));
    }

    /** Those of a turn that nobody has decided yet, in the order in which they were asked. */
    @Transactional
    public List<ApprovalView> open(UUID turn) {
        return views(approvals.pending(turn));
    }

    private List<ApprovalView> views(List<ApprovalRow> rows) {
        return rows.stream().map(this::view).toList();
    }

    private ApprovalView view(ApprovalRow row) {
        return row.view(conversations.findById(row.conversationId).externalId);
    }

    private Conversation conversation(String tenant, String id) {
        return conversations.of(tenant, id).orElseThrow(() -> ChatException.notFound("There is no such conversation."));
    }
}
