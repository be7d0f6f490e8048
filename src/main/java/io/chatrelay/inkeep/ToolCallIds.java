package io.chatrelay.inkeep;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.PrintableName;
import io.chatrelay.event.RawJson;

/**
 * The calls of a turn, and the call to which an upstream's id refers. An upstream's id is unique only within a step of the model, so this
 * service gives each call a number, and an id for callers: the upstream's id if it is a valid name and no other call of the turn has it.
 */
final class ToolCallIds {

    /** The current state of one call of the turn. */
    static final class Tracked {
        final Call call;
        final String toolName;
        SurrogateJoiner input = new SurrogateJoiner();
        boolean whole;
        /** Distinguishes a repetition from another call. */
        int inputHash;
        boolean asking;
        boolean asked;
        boolean settled;

        Tracked(Call call, String toolName) {
            this.call = call;
            this.toolName = toolName;
        }

        boolean isStreaming() {
            return !whole && !settled;
        }

        boolean isOpen() {
            return whole && !settled;
        }

        void whole(RawJson wholeInput) {
            whole = true;
            inputHash = wholeInput.text().hashCode();
        }

        private Tracked copy() {
            Tracked copy = new Tracked(call, toolName);
            copy.input = input.copy();
            copy.whole = whole;
            copy.inputHash = inputHash;
            copy.asking = asking;
            copy.asked = asked;
            copy.settled = settled;
            return copy;
        }
    }

    private final List<Tracked> all = new ArrayList<>();
    private final Set<String> ids = new HashSet<>();
    private final Set<String> approvalIds = new HashSet<>();

    ToolCallIds copy() {
        ToolCallIds copy = new ToolCallIds();
        all.forEach(tracked -> copy.all.add(tracked.copy()));
        copy.ids.addAll(ids);
        copy.approvalIds.addAll(approvalIds);
        return copy;
    }

    /** Begins the next call of the turn. */
    Tracked begin(String upstreamId, String toolName) {
        int number = all.size();
        return add(new Call(number, unique(upstreamId, "call-" + number, ids), upstreamId), toolName);
    }

    /** Adds a call that another process, or another body, has already reported. */
    Tracked add(Call call, String toolName) {
        Tracked tracked = new Tracked(call, toolName);
        ids.add(call.id());
        all.add(tracked);
        return tracked;
    }

    /** The id under which callers answer an approval that the upstream requests under its own id. */
    String approvalId(String upstreamId, Call call) {
        return unique(upstreamId, "approval-" + call.number(), approvalIds);
    }

    void addApprovalId(String id) {
        approvalIds.add(id);
    }

    /** An id that is unique in the turn: the given one, or one derived from it. */
    private static String unique(String id, String otherwise, Set<String> taken) {
        String base = PrintableName.isName(id) ? id : otherwise;
        String candidate = base;
        for (int n = 2; taken.contains(candidate); n++) {
            String suffix = "~" + n;
            candidate = base.length() + suffix.length() <= PrintableName.LONGEST ? base + suffix : otherwise + suffix;
        }
        taken.add(candidate);
        return candidate;
    }

    /** The last call with that upstream id whose input is incomplete, or null. */
    Tracked streaming(String upstreamId) {
        return of(upstreamId).filter(Tracked::isStreaming).reduce((_, later) -> later).orElse(null);
    }

    /** The first call with that upstream id that is complete and has no outcome, or null. */
    Tracked open(String upstreamId) {
        return first(upstreamId, Tracked::isOpen);
    }

    /** Whether a complete call without an outcome was reported before with that id, tool and input. */
    boolean isRepetition(String upstreamId, String toolName, RawJson input) {
        return first(upstreamId, tracked -> tracked.isOpen() && tracked.toolName.equals(toolName)
                && tracked.inputHash == input.text().hashCode()) != null;
    }

    /** The call that requests approval under that upstream id: the first open one that has not requested it yet. */
    Tracked asker(String upstreamId) {
        return first(upstreamId, tracked -> tracked.isOpen() && !tracked.asked);
    }

    /**
     * The call to which an outcome belongs: the first with that upstream id without an outcome, otherwise the last one. Null if there is none.
     */
    Tracked settledBy(String upstreamId) {
        Tracked open = first(upstreamId, tracked -> !tracked.settled);
        return open != null ? open : of(upstreamId).reduce((_, later) -> later).orElse(null);
    }

    private Tracked first(String upstreamId, Predicate<Tracked> wanted) {
        return of(upstreamId).filter(wanted).findFirst().orElse(null);
    }

    private Stream<Tracked> of(String upstreamId) {
        return all.stream().filter(tracked -> tracked.call.upstreamId().equals(upstreamId));
    }

    /** The call with that caller-visible id, or null. */
    Tracked known(String id) {
        return all.stream().filter(tracked -> tracked.call.id().equals(id)).findFirst().orElse(null);
    }

    boolean knows(String upstreamId) {
        return of(upstreamId).findAny().isPresent();
    }

    boolean anyOpen() {
        return all.stream().anyMatch(Tracked::isOpen);
    }

    List<Tracked> streaming() {
        return all.stream().filter(Tracked::isStreaming).toList();
    }

    /** The calls that wait for approval. */
    List<Tracked> asking() {
        return all.stream().filter(tracked -> tracked.asking).toList();
    }
}
