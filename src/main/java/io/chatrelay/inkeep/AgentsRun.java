package io.chatrelay.inkeep;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.Decision;
import io.chatrelay.chat.Delivery;
import io.chatrelay.chat.Turn;
import io.chatrelay.chat.UpstreamRun;
import io.chatrelay.chat.Usage;
import io.chatrelay.inkeep.AgentsDecoder.Mode;
import io.chatrelay.inkeep.Generations.Generation;
import io.chatrelay.inkeep.UpstreamsConfig.ApprovalTransport;
import io.chatrelay.inkeep.UpstreamsConfig.ExecutionMode;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;

/**
 * One turn at Inkeep Agents: its answer, and the decisions that it is told.
 *
 * <pre>
 * classic   answer ─────────────────── waits, the stream stays open ── goes on ── Ended
 * durable   answer ── waits, completes          deliver ── Continued(rest) ── … ── Ended
 * </pre>
 */
final class AgentsRun implements UpstreamRun {

    /** What runs of one upstream share. */
    record At(UpstreamConfig config, InkeepClient client, ApprovalCalls calls, Generations generations) {

        boolean durable() {
            return config.executionMode() == ExecutionMode.DURABLE;
        }
    }

    private static final String EMIT_OPERATIONS = "x-emit-operations";

    private final At at;
    private final Turn turn;
    private final Map<String, String> headers;
    private final Function<AgentsRun, Multi<ChatEvent>> answer;
    /** All events so far, where the rest is read again and compared with them; otherwise null. */
    private final List<ChatEvent> events;
    private volatile Brackets brackets = new Brackets();
    private volatile String id;
    private volatile boolean allOperations = true;
    private volatile boolean proven = true;

    private AgentsRun(At at, Turn turn, Map<String, String> headers, Function<AgentsRun, Multi<ChatEvent>> answer) {
        this.at = at;
        this.turn = turn;
        this.headers = headers;
        this.answer = answer;
        this.events = at.config().approvals() == ApprovalTransport.EXECUTIONS
                ? Collections.synchronizedList(new ArrayList<>())
                : null;
    }

    /**
     * @param headers that go up with everything that is told about the turn, for an agent may require them; they are not stored, so a
     *        run that another process follows is told without them
     */
    static AgentsRun of(At at, Turn turn, Buffer question, Map<String, String> headers) {
        return new AgentsRun(at, turn, headers,
                run -> at.generations().find().onItem().transformToMulti(generation -> run.ask(question, generation)));
    }

    /** A classic run that goes on without us. @param stored its events, beginning with one that tells its id */
    static AgentsRun following(At at, Turn turn, List<ChatEvent> stored) {
        AgentsRun run = new AgentsRun(at, turn, Map.of(), self -> self.reread(stored, Mode.CLASSIC, null));
        run.proven = false;
        stored.forEach(run::note);
        return run;
    }

    /** A durable run that waits for decisions. @param stored its events, beginning with one that tells its id */
    static AgentsRun waiting(At at, Turn turn, List<ChatEvent> stored) {
        AgentsRun run = new AgentsRun(at, turn, Map.of(), _ -> Multi.createFrom().empty());
        stored.forEach(run::note);
        run.brackets = Brackets.resume(stored);
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
                // Only servers since then tell it.
                at.generations().isCurrent();
            }
        }
        if (events != null) {
            events.add(event);
        }
    }

    private Multi<ChatEvent> ask(Buffer question, Generation generation) {
        boolean callerAsks = "true".equals(headers.get(EMIT_OPERATIONS));
        Map<String, String> sent = new HashMap<>(headers);
        if (generation != Generation.CURRENT) {
            // A legacy server shows calls, and that they ask, in no other way.
            sent.put(EMIT_OPERATIONS, "true");
        }
        allOperations = callerAsks || generation == Generation.CURRENT;
        return at.client().post("/api/chat", question, sent, this::decoder);
    }

    private AnswerDecoder decoder(HttpClientResponse head) {
        String workflow = head.getHeader("x-workflow-run-id");
        brackets = new Brackets(workflow);
        return new AgentsDecoder(brackets, at.durable() ? Mode.DURABLE : workflow != null ? Mode.UNFORESEEN : Mode.CLASSIC,
                allOperations);
    }

    @Override
    public Uni<Delivery> deliver(Decision decision, BooleanSupplier wanted) {
        ApprovalCalls.Said said = new ApprovalCalls.Said(turn, headers, decision, wanted);
        return Uni.createFrom().deferred(() -> at.durable() ? continued(said) : told(said))
                .onFailure()
                .recoverWithItem(defect -> new Delivery.Unknown("A defect of this service: " + defect.getClass().getName()));
    }

    /** A durable one only while it waits: its rest is the answer to whoever tells the decision. */
    @Override
    public boolean outlivesReaders() {
        return at.durable() ? !brackets.waiting().isEmpty() : id != null;
    }

    /** Agents never tells it. */
    @Override
    public Usage usage() {
        return null;
    }

    @Override
    public boolean isProven() {
        return proven;
    }

    private Uni<Delivery> told(ApprovalCalls.Said said) {
        ApprovalTransport transport = at.config().approvals();
        if (transport == ApprovalTransport.LEGACY) {
            return at.calls().legacy(said, () -> new Delivery.Refused("Inkeep has no such route"));
        }
        if (transport == ApprovalTransport.PARTS || id != null) {
            return at.calls().parts(said);
        }
        return at.generations().find().chain(generation -> switch (generation) {
            case CURRENT -> at.calls().parts(said);
            case LEGACY -> at.calls().legacy(said, () -> {
                at.generations().forget();
                return new Delivery.Unknown("Inkeep no longer has the route");
            });
            case UNKNOWN -> Uni.createFrom().item(new Delivery.Unknown("How Inkeep is told could not be found out"));
        });
    }

    private Uni<Delivery> continued(ApprovalCalls.Said said) {
        if (at.config().approvals() == ApprovalTransport.EXECUTIONS) {
            return id == null ? Uni.createFrom().item(new Delivery.Refused("Inkeep told no id of the run"))
                    : at.calls().executions(id, said,
                            () -> reread(List.copyOf(events), Mode.DURABLE, said.decision().callId()).invoke(this::note));
        }
        return at.calls().parts(said, () -> {
            brackets = brackets.continued();
            return new AgentsDecoder(brackets, Mode.DURABLE, allOperations).after(said.decision().callId());
        }).map(delivery -> delivery instanceof Delivery.Continued(var rest)
                ? new Delivery.Continued(rest.invoke(this::note))
                : delivery);
    }

    private Multi<ChatEvent> reread(List<ChatEvent> known, Mode mode, String decided) {
        String workflow = mode == Mode.DURABLE ? id : null;
        String path = workflow == null ? "/v1/conversations/" + turn.conversation() : ApprovalCalls.execution(workflow);
        return at.client().reread(path + "/stream",
                new Reread.Run(known, () -> new AgentsDecoder(new Brackets(workflow), mode, allOperations), decided,
                        () -> proven = true));
    }
}
