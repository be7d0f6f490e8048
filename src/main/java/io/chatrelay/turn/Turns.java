package io.chatrelay.turn;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;

import io.chatrelay.conversation.History;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.OnRunning;
import io.chatrelay.event.Role;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.GroupCommit;
import io.chatrelay.journal.Journal;
import io.chatrelay.limit.CallerLimits;
import io.chatrelay.limit.Limit;
import io.chatrelay.limit.Limits;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * Accepts a caller's message: validates it, stores it with its turn in one transaction, and starts the turn. From then on the turn belongs to the
 * server; the sender reads it like every other reader.
 *
 * <p>Most turns begin together with those of other callers, in one statement ({@link Admission}). A command that it leaves out gets a transaction of
 * its own ({@link Acceptance}).
 */
@ApplicationScoped
public class Turns {

    private final Acceptance acceptance;
    private final UpstreamSelection upstreams;
    private final History history;
    private final TurnRunner runner;
    private final Limits limits;
    private final TurnSpans spans;
    private final GroupCommit<Admission.Command, Admission.Begun> admission;

    Turns(Acceptance acceptance, UpstreamSelection upstreams, History history, TurnRunner runner, Journal<ChatEvent> journal,
            Limits limits, TurnSpans spans, AdmissionConfig bounds) {
        this.acceptance = acceptance;
        this.upstreams = upstreams;
        this.history = history;
        this.runner = runner;
        this.limits = limits;
        this.spans = spans;
        this.admission = journal.groupCommit("admission", new Admission(), bounds.maxTogether(),
                bounds.maxBytes().asLongValue(), bounds.maxWaiting());
    }

    /**
     * Begins a turn, or attaches to the turn that the same command began before. While that turn runs, an equal command attaches; after its end, only
     * a command that a key or the client's retry marker identifies as a retry. A command that replaces the running turn cancels it first and waits
     * for its end; a command that may wait is stored, and its turn begins when those before it have ended.
     *
     * @throws ChatException before anything is stored or sent to the upstream
     */
    public Sent send(SendCommand command) {
        byte[] digest = CommandDigest.of(command);
        try {
            return together(command, digest).map(turn -> (Sent) new Sent.InTurn(turn))
                    .orElseGet(() -> acceptance.accept(command, digest));
        } catch (SQLException e) {
            throw new PersistenceException(e);
        }
    }

    /** How many turns run on this replica. */
    public int running() {
        return runner.count();
    }

    /** Begins a turn in one transaction with others; empty, and nothing is stored, if the command needs a transaction of its own. */
    private Optional<Turn> together(SendCommand command, byte[] digest) throws SQLException {
        if (command.repeated()) {
            // The request that it repeats may still wait.
            admission.awaitEarlier();
            return Optional.empty();
        }
        Optional<Upstream> upstream = upstreamForNew(command);
        Optional<Admission.Command> plain = upstream.flatMap(of -> plain(command, digest, of));
        if (plain.isEmpty()) {
            return Optional.empty();
        }
        CallerLimits caller = limits.of(command.tenant(), command.caller());
        // Turns of other replicas are counted by the statement.
        Optional<Limit> reached = caller
                .keepsFromBeginning(() -> runner.count(command.tenant(), command.caller()));
        if (reached.isPresent()) {
            if (mayRepeat(command)) {
                return Optional.empty();
            }
            throw caller.refusesTurn(reached.get());
        }
        try (HeldPermission permission = new HeldPermission()) {
            if (mayRepeat(command)) {
                if (!permission.tryAcquire(upstream.get())) {
                    // A repeat attaches to its turn; the transaction of its own finds that turn, or refuses the command.
                    return Optional.empty();
                }
            } else {
                permission.acquire(upstream.get());
            }
            List<ChatMessage> before = upstream.get().remembers() ? List.of() : history.ofNew(command.before());
            return admission.run(plain.get()).map(begun -> {
                runner.run(acceptance.question(begun.turn(), plain.get().newest(), command, before), upstream.get(), begun.as(),
                        permission.held(), plain.get().span());
                permission.handedOver();
                begun.running().ifPresent(caller::running);
                return begun.turn();
            });
        }
    }

    /** Whether the turn of the command may have begun before, or its conversation may belong to another upstream. */
    private static boolean mayRepeat(SendCommand command) {
        return command.idempotencyKey() != null || command.conversationId() != null || command.maybeRepeated();
    }

    /** The upstream of the command if its conversation is new and the command valid for it; otherwise a known conversation may decide. */
    private Optional<Upstream> upstreamForNew(SendCommand command) {
        try {
            Upstream upstream = upstreams.of(command, Optional.empty());
            upstreams.check(command, upstream);
            return Optional.of(upstream);
        } catch (ChatException e) {
            // If a known conversation does not decide otherwise, the reason is found again.
            return Optional.empty();
        }
    }

    /**
     * The command, if its turn can begin together with others. It cannot if only its conversation decides whether it is valid, whether its end user
     * may continue it, which instructions it changes, or which history its upstream is sent.
     */
    private Optional<Admission.Command> plain(SendCommand command, byte[] digest, Upstream upstream) {
        boolean isForNew = !UpstreamSelection.needsKnown(command, upstream);
        // A command that may wait has to see who waits already.
        boolean isForKnown = command.conversationId() != null && command.onRunning() != OnRunning.ENQUEUE
                && command.scope().endUser() == null && upstream.remembers()
                && command.before().stream().noneMatch(said -> said.role() == Role.SYSTEM);
        return isForNew || isForKnown
                ? Optional.of(Admission.Command.of(command, digest, upstream.name(),
                        StoredRequest.forTakeover(command, upstream), isForNew,
                        isForKnown, spans.begin(upstream, command.model()),
                        limits.of(command.tenant(), command.caller()).runningTurns()))
                : Optional.empty();
    }
}
