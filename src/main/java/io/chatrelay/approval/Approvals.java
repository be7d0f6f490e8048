package io.chatrelay.approval;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.PageConfig;
import io.chatrelay.conversation.PageSelection;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.event.InputDigest;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;
import io.chatrelay.logging.Audit;
import io.chatrelay.upstream.Deciders;
import io.chatrelay.upstream.Upstreams;
import io.quarkus.narayana.jta.QuarkusTransaction;

/**
 * The ledger of approvals, as callers read and answer it. Approvals outside of the given scope are not found. The first decision wins, by compare-and-set. A
 * repeated equal decision gets the same response; a contrary decision is rejected with the recorded approval.
 */
@ApplicationScoped
public class Approvals {

    /** The name of the role that decides. */
    private static final String ROLE = "approve";

    private final ApprovalRow.Repository approvals;
    private final Conversation.Repository conversations;
    private final ApprovalTurns turns;
    private final DecisionOutbox outbox;
    private final PageConfig pages;
    private final Upstreams upstreams;

    Approvals(ApprovalRow.Repository approvals, Conversation.Repository conversations, ApprovalTurns turns,
            DecisionOutbox outbox, PageConfig pages, Upstreams upstreams) {
        this.approvals = approvals;
        this.conversations = conversations;
        this.turns = turns;
        this.outbox = outbox;
        this.pages = pages;
        this.upstreams = upstreams;
    }

    private record Asked(DecideCommand.Answer answer, ApprovalRow row) {

        ApprovalState wanted() {
            return answer.approved() ? ApprovalState.APPROVED : ApprovalState.DENIED;
        }

        boolean isPending() {
            return row.isPending();
        }
    }

    /**
     * Records answers to approvals, all or none. The decisions are stored when this method returns, and are sent afterwards. Decisions arrive in
     * several requests, and all of them come here: so the role of the caller is checked here.
     *
     * @throws ChatException if the caller may not decide, or an answer is not accepted: then nothing is stored
     */
    public List<RecordedDecision> decide(DecideCommand command) {
        if (!command.mayDecide()) {
            throw ChatException.roleMissing(ROLE);
        }
        // An attempt fails if one of the approvals was changed meanwhile, which happens once for each, or if one has expired.
        for (int attempt = 0; attempt <= command.answers().size(); attempt++) {
            List<Asked> asked = QuarkusTransaction.requiringNew().call(() -> look(command));
            List<Ledger.Wanted> fresh = asked.stream().filter(Asked::isPending)
                    .map(one -> new Ledger.Wanted(one.row().id, one.wanted(), one.answer().reason())).toList();
            if (fresh.isEmpty() || outbox.decide(fresh, command.caller(), command.endUser())) {
                asked.stream().filter(Asked::isPending).forEach(one -> audit(command, one));
                List<RecordedDecision> decided = QuarkusTransaction.requiringNew()
                        .call(() -> asked.stream().map(this::decided).toList());
                decided.stream().filter(one -> !one.alreadyDecided()).forEach(one -> outbox.nudge(one.turn().id()));
                return decided;
            }
            // Another decision or the expiry came first: the next attempt responds with the recorded state.
            outbox.expire(asked.stream().map(one -> one.row().turnId).collect(Collectors.toSet()));
        }
        throw ChatException.unavailable("The approval is being changed by others. Try again in a moment.", 1);
    }

    private static void audit(DecideCommand command, Asked one) {
        Audit.of("decision").with("state", one.wanted().wireName()).with("approval", one.row().id)
                .with("turn", one.row().turnId)
                .with("conversation", command.conversationId()).with("call", one.answer().toolCallId())
                .with("tool", one.row().toolName).with("tenant", command.scope().tenant()).with("caller", command.caller())
                .with("user", command.endUser()).log();
    }

    /** The recorded approvals to which the answers belong; an answer that contradicts its record is rejected. */
    private List<Asked> look(DecideCommand command) {
        Conversation conversation = conversation(command.scope(), command.conversationId());
        Optional<UUID> turn = Optional.of(command.of()).filter(named -> named.id() != null)
                .map(named -> named(conversation, named));
        List<Asked> asked = new ArrayList<>();
        for (DecideCommand.Answer answer : command.answers()) {
            ApprovalRow row = approvals.ofCall(conversation.id, turn, answer.toolCallId())
                    .orElseThrow(() -> ChatException.notFound(answer.callField(),
                            "%s: no call of that id asked for approval in this %s.".formatted(answer.callField(),
                                    turn.isPresent() ? "turn" : "conversation")));
            if (isAnother(answer, row)) {
                throw ApprovalException.inputChanged(answer.digestField(),
                        "%s: the call's input is not the one whose digest was sent. Look at it again."
                                .formatted(answer.digestField()),
                        row.view(conversation.externalId));
            }
            boolean sameInput = answer.inputDigest() != null || answer.input() != null;
            if (row.isPending() && turn.isEmpty()
                    && approvals.isOfOthers(row, sameInput, Instant.now().minus(turns.retryWindow()))) {
                throw ApprovalException.ambiguous(command.of().field(),
                        "%s: is needed, for calls of that id asked in more than one turn of this conversation."
                                .formatted(command.of().field()),
                        row.view(conversation.externalId));
            }
            check(answer, row, conversation);
            checkDecider(command.by(), row);
            asked.add(new Asked(answer, row));
        }
        return asked;
    }

    /** An upstream that is no longer configured gets no decision, so nobody in particular has to make it. */
    private void checkDecider(Person by, ApprovalRow row) {
        ApprovalTurns.Asked asked = turns.asked(row.turnId);
        Deciders deciders = upstreams.named(asked.upstream()).map(upstream -> upstream.deciders(row.toolName))
                .orElse(Deciders.ANYONE);
        if (!by.mayDecide(asked.by(), deciders)) {
            throw ChatException.deciderRefused(deciders == Deciders.REQUESTER
                    ? "Only the end user who asked may decide this call. A caller that acts for this end user names it in user."
                    : "Only another person than the end user who asked may decide this call. A caller that acts for one names it in user.");
        }
    }

    private UUID named(Conversation conversation, DecideCommand.OfTurn named) {
        Optional<UUID> id = Ids.parsed(named.id());
        return id
                .flatMap(one -> named.isMessage() ? turns.answeringWith(conversation.id, one)
                        : turns.inConversation(conversation.id, one))
                .orElseThrow(() -> ChatException.notFound(named.field(), "%s: no %s of that id is in this conversation."
                        .formatted(named.field(), named.isMessage() ? "answer" : "turn")));
    }

    /** Whether the input that the decider saw differs from the input of the call. */
    private static boolean isAnother(DecideCommand.Answer answer, ApprovalRow row) {
        return answer.inputDigest() != null && !answer.inputDigest().equals(row.digest())
                || answer.input() != null && InputDigest.differ(answer.input(), new RawJson(row.input));
    }

    private static ChatException expired(DecideCommand.Answer answer, ApprovalRow row, Conversation conversation) {
        return ApprovalException.expired(answer.field(),
                "%s: nobody answered in time, and the call is denied.".formatted(answer.field()),
                row.view(conversation.externalId));
    }

    /** Rejects an answer that contradicts the recorded state. */
    private static void check(DecideCommand.Answer answer, ApprovalRow row, Conversation conversation) {
        String field = answer.field();
        ApprovalState recorded = row.decision().orElseThrow(() -> decided(field, row, conversation));
        switch (recorded) {
            case APPROVED, DENIED -> {
                if (recorded == ApprovalState.APPROVED != answer.approved()) {
                    throw decided(field, row, conversation);
                }
            }
            case EXPIRED -> throw expired(answer, row, conversation);
            case SUPERSEDED -> throw ApprovalException.decided(field,
                    "%s: the turn went on or ended before this was decided.".formatted(field),
                    row.view(conversation.externalId));
            case PENDING -> {
                // To be decided now.
            }
        }
    }

    private static ChatException decided(String field, ApprovalRow row, Conversation conversation) {
        return ApprovalException.decided(field,
                "%s: this call was %s already; the first decision counts.".formatted(field, row.state),
                row.view(conversation.externalId));
    }

    private RecordedDecision decided(Asked asked) {
        return new RecordedDecision(asked.row().id, turns.turn(asked.row().turnId),
                asked.answer().toolCallId(), asked.answer().approved(), !asked.isPending());
    }

    /**
     * A page of the approvals in the scope, newest first. It has fewer than {@code limit} if their inputs are large, but at least one.
     *
     * @param state        or empty for all
     * @param conversation the callers' id of one conversation, or null for all; not found outside of the scope
     * @param before       the id of the last approval of the previous page, or null
     */
    @Transactional
    public ApprovalPage list(Scope scope, Optional<ApprovalState> state, String conversation, UUID before, int limit) {
        UUID one = conversation == null ? null : conversation(scope, conversation).id;
        PageSelection page = PageSelection.of(approvals.sizes(scope, state, one, before, limit + 1), limit,
                pages.maxBytes().asLongValue());
        return new ApprovalPage(views(approvals.newestFirst(page.ids())), page.more());
    }

    @Transactional
    public ApprovalView get(Scope scope, UUID id) {
        return approvals.of(scope, id).map(this::view).orElseThrow(() -> ChatException.notFound("There is no such approval."));
    }

    /** The pending approvals of a turn, in the order of their requests. */
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

    private Conversation conversation(Scope scope, String id) {
        return conversations.of(scope, id).orElseThrow(() -> ChatException.notFound("There is no such conversation."));
    }
}
