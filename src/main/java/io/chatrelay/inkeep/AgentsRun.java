package io.chatrelay.inkeep;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.chatrelay.inkeep.AgentsDecoder.Mode;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.chatrelay.inkeep.ServerVersionProbe.Generation;
import io.chatrelay.inkeep.UpstreamsConfig.ApprovalTransport;
import io.chatrelay.inkeep.UpstreamsConfig.ExecutionMode;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.chatrelay.upstream.EarlierRuns;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRun;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpClientResponse;

/**
 * One turn at Inkeep Agents: its answer, and the decisions that are delivered to it.
 *
 * <pre>
 * classic   answer ─────────────────── waits, the stream stays open ── continues ── Ended
 *              └── its connection broke, or the answer to the question was lost ──▶ read again ── … ── Ended
 *              └── its stream became mute ───────────────────────────────────────────▶ read again ── … ── Ended, at the latest as mute
 * durable   answer ── waits, completes          deliver ── Continued(rest) ── … ── Ended
 * </pre>
 */
final class AgentsRun implements UpstreamRun {

    /** State shared by the runs of one upstream. */
    record At(UpstreamConfig config, InkeepClient client, ApprovalCalls calls, ServerVersionProbe generations) {

        boolean durable() {
            return config.executionMode() == ExecutionMode.DURABLE;
        }
    }

    private static final Logger LOG = Logger.getLogger(AgentsRun.class);
    private static final Duration PENDING_AGAIN = Duration.ofMillis(500);
    private static final String EMIT_OPERATIONS = "x-emit-operations";

    private final At at;
    private final Turn turn;
    private final Map<String, String> headers;
    private final Function<AgentsRun, Multi<ChatEvent>> answer;
    /** Hash chain of all events so far; the events of a new read are compared with it. */
    private final EventHashChain trail = new EventHashChain();
    private volatile PartBoundaries brackets = new PartBoundaries();
    private volatile String id;
    private volatile boolean allOperations = true;
    private volatile boolean proven = true;
    private volatile boolean takenOver;
    private volatile boolean over;
    private volatile StreamLifetime lifetime = StreamLifetime.ENDLESS;

    /** @param headers sent with every request about the turn, because an agent may require them */
    private AgentsRun(At at, Turn turn, Map<String, String> headers, Function<AgentsRun, Multi<ChatEvent>> answer) {
        this.at = at;
        this.turn = turn;
        this.headers = headers;
        this.answer = answer;
    }

    static AgentsRun of(At at, UpstreamRequest question, QuestionBody body, Map<String, String> headers) {
        // Keeps only this part of the question: the messages are in the body, and large.
        Uni<EarlierRuns> earlier = question.earlier();
        return new AgentsRun(at, question.turn(), headers, run -> at.generations().find().onItem()
                .transformToMulti(generation -> run.ask(body, generation, Resend.BY_ID, earlier)));
    }

    /** For a message that another process may have sent. Only a current server recognizes a message by its id. */
    static AgentsRun again(At at, UpstreamRequest question, QuestionBody body, Map<String, String> headers) {
        Uni<EarlierRuns> earlier = question.earlier();
        AgentsRun run = new AgentsRun(at, question.turn(), headers, self -> at.generations().find().onItem()
                .transformToMulti(generation -> generation == Generation.CURRENT
                        ? self.ask(body, generation, Resend.SENT_BEFORE, earlier).map(self::orLost)
                        : self.lost(Failure.Code.REPLICA_LOST, "would answer its message twice")));
        run.takenOver = true;
        return run;
    }

    /** A classic run that continues without this process. @param stored its events; the first one contains its id */
    static AgentsRun following(At at, Turn turn, Map<String, String> headers, List<ChatEvent> stored) {
        AgentsRun run = new AgentsRun(at, turn, headers, self -> self.reread(Set.of(), Mode.CLASSIC, null));
        run.proven = false;
        run.takenOver = true;
        // A caller that did not ask for operations receives none from here on either, though this service may have asked.
        run.allOperations = "true".equals(headers.get(EMIT_OPERATIONS))
                || stored.stream().anyMatch(AgentsDecoder::isAskedForOperation);
        stored.forEach(run::note);
        return run;
    }

    /** A durable run that waits for decisions. @param stored its events; the first one contains its id */
    static AgentsRun waiting(At at, Turn turn, Map<String, String> headers, List<ChatEvent> stored) {
        AgentsRun run = new AgentsRun(at, turn, headers, _ -> Multi.createFrom().empty());
        run.takenOver = true;
        stored.forEach(run::note);
        run.brackets = PartBoundaries.resume(stored);
        return run;
    }

    @Override
    public Multi<ChatEvent> answer() {
        return Multi.createFrom().deferred(() -> answer.apply(this)).invoke(this::note);
    }

    private void note(ChatEvent event) {
        if (event instanceof Started(var started)) {
            id = started;
            if (started != null) {
                // Only current servers send an id.
                at.generations().isCurrent();
            }
        }
        trail.add(event);
    }

    private Multi<ChatEvent> ask(QuestionBody body, Generation generation, Resend resend, Uni<EarlierRuns> earlier) {
        boolean callerAsks = "true".equals(headers.get(EMIT_OPERATIONS));
        Map<String, String> sent = new HashMap<>(headers);
        if (generation != Generation.CURRENT) {
            // A legacy server reports calls, and their approval requests, only in this way.
            sent.put(EMIT_OPERATIONS, "true");
        }
        allOperations = callerAsks || generation == Generation.CURRENT;
        if (at.durable() || generation != Generation.CURRENT) {
            return at.client().post(turn, "/api/chat", body, sent, Resend.NEVER, this::whole);
        }
        return Multi.createBy().concatenating().streams(
                at.client().post(turn, "/api/chat", body, sent, resend, this::openEnded)
                        .invoke(event -> over |= event instanceof Ended),
                Multi.createFrom().deferred(() -> over ? Multi.createFrom().empty() : further(earlier)));
    }

    private AnswerDecoder openEnded(HttpClientResponse head) {
        // The message had not been accepted before, so from here on the run belongs to this process.
        takenOver = false;
        AgentsDecoder decoder = decoder(head);
        return decoder.mode() == Mode.CLASSIC
                ? new LifetimeDecoder(new ResumableDecoder(decoder), decoder, lifetime, true, () -> true)
                : decoder;
    }

    /** Decoder for a run that is not read again. */
    private AnswerDecoder whole(HttpClientResponse head) {
        AgentsDecoder decoder = decoder(head);
        return decoder.mode() == Mode.CLASSIC ? new LifetimeDecoder(decoder, decoder, lifetime, false, () -> true) : decoder;
    }

    /** The run exists but its answer stopped: the run is read again, under the same proof as after a lost process. */
    private Multi<ChatEvent> further(Uni<EarlierRuns> earlier) {
        // If the same break lost the answer to a decision, the outcome of that decision may be in what is read now.
        proven = trail.isEmpty();
        LOG.infof("turn %s: %s after %d events; it is read again", turn.id(),
                lifetime.isOver() ? "the stream of its run is mute" : "the connection to its run is lost", trail.length());
        return earlier.onItem().transformToMulti(runs -> {
            if (runs.mayStillSpeak() || trail.isEmpty() && runs.mayBeUnknown()) {
                return lifetime.isOver() ? Multi.createFrom().item(lifetime.ended())
                        : lost(Failure.Code.REPLICA_LOST, "may still be speaking in an earlier run of the conversation");
            }
            return reread(runs.ids(), Mode.CLASSIC, null);
        });
    }

    private ChatEvent orLost(ChatEvent event) {
        return takenOver && trail.isEmpty() && event instanceof Ended(var outcome, _, _, var failure)
                && outcome == Outcome.FAILED
                        ? ended(Failure.Code.REPLICA_LOST, "did not take its message again: " + failure.name())
                        : event;
    }

    private Multi<ChatEvent> lost(Failure.Code code, String why) {
        return Multi.createFrom().item(ended(code, why));
    }

    /**
     * The end of a run that cannot be proven to be this one.
     *
     * @param code used if its process is gone
     * @param why  what the upstream does or did, as the predicate of a sentence
     */
    private Ended ended(Failure.Code code, String why) {
        return takenOver
                ? new Ended(Outcome.INTERRUPTED, null, null, Failure.of(code,
                        "The process that ran this turn is gone, and the {upstream} %s; what came before is kept. Send the message again."
                                .formatted(why)))
                : Ended.failed(Failure.of(trail.isEmpty() ? Failure.Code.UPSTREAM_UNAVAILABLE : Failure.Code.UPSTREAM_CUT,
                        "The {upstream} broke off its answer, and %s; what came before is kept.".formatted(why)));
    }

    private AgentsDecoder decoder(HttpClientResponse head) {
        String workflow = head.getHeader("x-workflow-run-id");
        brackets = new PartBoundaries(workflow);
        Mode mode = at.durable() ? Mode.DURABLE : workflow != null ? Mode.UNFORESEEN : Mode.CLASSIC;
        if (mode == Mode.CLASSIC) {
            // Inkeep measures the lifetime from the creation of the stream, right before it sends the head.
            lifetime = StreamLifetime.of(at.config(), Duration.ZERO);
        }
        return new AgentsDecoder(brackets, mode, allOperations);
    }

    @Override
    public Uni<DeliveryResult> deliver(Decision decision, BooleanSupplier wanted) {
        ApprovalCalls.DecisionCall said = new ApprovalCalls.DecisionCall(turn, headers, decision, wanted);
        return Uni.createFrom().deferred(() -> at.durable() ? continued(said) : told(said))
                .onFailure()
                .recoverWithItem(defect -> {
                    LOG.errorf("turn %s: its decision met a defect: %s", turn.id(), Trace.of(defect));
                    return new DeliveryResult.Unknown("A defect of this service: " + defect.getClass().getName());
                });
    }

    /** A durable run only while it waits: its rest is the answer to the request that delivers the decision. */
    @Override
    public boolean outlivesReaders() {
        return at.durable() ? !brackets.waiting().isEmpty() : id != null;
    }

    /** Agents never reports the usage. */
    @Override
    public Usage usage() {
        return null;
    }

    @Override
    public boolean isProven() {
        return proven;
    }

    private Uni<DeliveryResult> told(ApprovalCalls.DecisionCall said) {
        ApprovalTransport transport = at.config().approvals();
        if (transport == ApprovalTransport.LEGACY) {
            return at.calls().legacy(said, () -> new DeliveryResult.Refused("Inkeep has no such route"));
        }
        if (transport == ApprovalTransport.PARTS || id != null) {
            return at.calls().parts(said);
        }
        return at.generations().find().chain(generation -> switch (generation) {
            case CURRENT -> at.calls().parts(said);
            case LEGACY -> at.calls().legacy(said, () -> {
                at.generations().forget();
                return new DeliveryResult.Unknown("Inkeep no longer has the route");
            });
            case UNKNOWN -> Uni.createFrom().item(new DeliveryResult.Unknown("How Inkeep is told could not be found out"));
        });
    }

    private Uni<DeliveryResult> continued(ApprovalCalls.DecisionCall said) {
        if (at.config().approvals() == ApprovalTransport.EXECUTIONS) {
            return id == null ? Uni.createFrom().item(new DeliveryResult.Refused("Inkeep told no id of the run"))
                    : at.calls().executions(id, said,
                            () -> reread(Set.of(), Mode.DURABLE, said.decision().number()).invoke(this::note));
        }
        return at.calls().parts(said, () -> {
            brackets = brackets.continued();
            return new AgentsDecoder(brackets, Mode.DURABLE, allOperations).after(said.decision().number());
        }).map(delivery -> delivery instanceof DeliveryResult.Continued(var rest)
                ? new DeliveryResult.Continued(
                        (takenOver ? rest.onItem().transformToUniAndConcatenate(this::unlessItWaits) : rest)
                                .invoke(this::note))
                : delivery);
    }

    /**
     * If several calls request approval at once, a process may have died after it stored only the first of them. Inkeep does not send the
     * others again, so an answer that ends while the run waits for one of them looks like the end of the run.
     */
    private Uni<ChatEvent> unlessItWaits(ChatEvent event) {
        if (!(event instanceof Ended(var outcome, _, _, _)) || outcome != Outcome.COMPLETED) {
            return Uni.createFrom().item(event);
        }
        return at.calls().pending(turn).onFailure().retry().withBackOff(PENDING_AGAIN).atMost(2)
                .map(call -> call.isPresent()
                        && (!brackets.calls().knows(call.get()) || brackets.calls().open(call.get()) != null)
                                ? ended(Failure.Code.APPROVAL_UNAVAILABLE, "waits for an approval that nobody was shown")
                                : event)
                .onFailure()
                .recoverWithItem(
                        () -> ended(Failure.Code.REPLICA_LOST, "does not say whether it waits for an approval"));
    }

    /** @param others ids of runs that are not this one */
    private Multi<ChatEvent> reread(Set<String> others, Mode mode, Integer decided) {
        String workflow = mode == Mode.DURABLE ? id : null;
        if (mode == Mode.CLASSIC && lifetime == StreamLifetime.ENDLESS) {
            // This process never saw the head. Too high an age is worse than too low an age, so a clock that is behind counts as age zero.
            Duration age = Duration.between(turn.startedAt(), Instant.now());
            lifetime = StreamLifetime.of(at.config(), age.isNegative() ? Duration.ZERO : age);
        }
        String path = workflow == null ? "/v1/conversations/" + turn.conversation() : ApprovalCalls.execution(workflow);
        return at.client().reread(turn, path + "/stream",
                new RunFollower.Run(trail.copy(), others,
                        () -> new AgentsDecoder(new PartBoundaries(workflow), mode, allOperations),
                        decided, lifetime, () -> proven = true, this::ended));
    }
}
