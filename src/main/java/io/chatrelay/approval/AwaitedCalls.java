package io.chatrelay.approval;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.chatrelay.event.ChatEvent;

/**
 * The calls of a running turn that requested approval and have no outcome yet. Each decision is announced once and handed over to the outbox once,
 * however often it is reported. Not thread-safe; guarded by its turn.
 *
 * <p>If an upstream requests approval twice under one id before it receives a decision, it applies the decision to the first call. So a decision
 * waits until every earlier call with that id has its outcome. Otherwise an approval of the harmless call would run the other call.
 */
public final class AwaitedCalls {

    private static final class Awaited {
        final String upstreamId;
        boolean announced;
        Ledger.Due decided;
        boolean handed;

        Awaited(String upstreamId) {
            this.upstreamId = upstreamId;
        }
    }

    private final Map<String, Awaited> calls = new LinkedHashMap<>();
    private final boolean oneByOne;

    /** @param oneByOne whether the next decision is handed over only after the previous one has its outcome */
    public AwaitedCalls(boolean oneByOne) {
        this.oneByOne = oneByOne;
    }

    /** @param announced whether the stream already contains the decision */
    public void asked(ChatEvent.Call call, boolean announced) {
        calls.computeIfAbsent(call.id(), _ -> new Awaited(call.upstreamId())).announced = announced;
    }

    /** True if the call had requested approval. */
    public boolean settled(String callId) {
        return calls.remove(callId) != null;
    }

    public boolean isEmpty() {
        return calls.isEmpty();
    }

    public boolean awaits(String callId) {
        return calls.containsKey(callId);
    }

    /** Whether a call still waits for a decision. */
    public boolean undecided() {
        return calls.values().stream().anyMatch(call -> call.decided == null);
    }

    /** Accepts a decision; true if the stream does not contain it yet. */
    public boolean decided(Ledger.Due decision) {
        Awaited call = calls.get(decision.callId());
        if (call == null || call.decided != null) {
            return false;
        }
        call.decided = decision;
        call.handed = decision.acknowledged();
        boolean fresh = !call.announced;
        call.announced = true;
        return fresh;
    }

    /** Whether a decision was handed over whose outcome has not arrived. */
    public boolean isDelivering() {
        return calls.values().stream().anyMatch(call -> call.handed);
    }

    /** The decisions to send now, each once. */
    public List<Ledger.Due> handOver() {
        List<Ledger.Due> ready = new ArrayList<>();
        boolean busy = oneByOne && isDelivering();
        Set<String> before = new HashSet<>();
        for (Awaited call : calls.values()) {
            boolean first = before.add(call.upstreamId);
            if (!busy && first && call.decided != null && !call.handed) {
                call.handed = true;
                ready.add(call.decided);
                busy = oneByOne;
            }
        }
        return ready;
    }
}
