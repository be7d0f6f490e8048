package io.chatrelay.approval;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.chatrelay.event.ChatEvent;

/**
 * The calls of a running turn that asked for approval and have no outcome yet. Each decision is announced once and handed to the
 * outbox once, whatever is told how often. Plain, and guarded by its turn.
 *
 * <p>An upstream that asks twice under one id, before it has heard of either call, cannot tell which one is answered: it takes the first. So
 * a decision waits until every call of that id that asked before has its outcome. Else a yes to the harmless one would run the other.
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

    /** @param oneByOne whether the next decision is handed over only when the one before has its outcome */
    public AwaitedCalls(boolean oneByOne) {
        this.oneByOne = oneByOne;
    }

    /** @param announced whether the stream has told its decision already */
    public void asked(ChatEvent.Call call, boolean announced) {
        calls.computeIfAbsent(call.id(), _ -> new Awaited(call.upstreamId())).announced = announced;
    }

    /** True if the call had asked. */
    public boolean settled(String callId) {
        return calls.remove(callId) != null;
    }

    public boolean isEmpty() {
        return calls.isEmpty();
    }

    public boolean awaits(String callId) {
        return calls.containsKey(callId);
    }

    /** Whether somebody still has to answer. */
    public boolean undecided() {
        return calls.values().stream().anyMatch(call -> call.decided == null);
    }

    /** Takes a decision; true if the stream has not told it yet. */
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

    /** Whether a decision was handed over whose outcome has not come. */
    public boolean isTelling() {
        return calls.values().stream().anyMatch(call -> call.handed);
    }

    /** What is to be sent now, each decision once. */
    public List<Ledger.Due> handOver() {
        List<Ledger.Due> ready = new ArrayList<>();
        boolean busy = oneByOne && isTelling();
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
