package io.chatrelay.dev;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What goes wrong with the decisions about a call, as the words after the tool's name choose; several may be named.
 *
 * @param refusals       so many decisions, the first ones, are answered with {@code status} and not heard
 * @param unheard        the first decision after those: the connection closes, and nothing was heard
 * @param lost           the same, but it was heard
 * @param lie            every decision is taken with a success, and none is heard
 * @param ackMillis      how long after it was heard a decision is answered
 * @param holdMillis     how long a decision lies there before it is heard, whether its caller still waits or not
 * @param slowMillis     how long an approved tool runs
 * @param timeoutMillis  how long the model waits; below zero for as long as the recorded one
 */
record ApprovalFaults(int refusals, int status, boolean unheard, boolean lost, boolean lie, long ackMillis,
        long holdMillis, long slowMillis, long timeoutMillis) {

    static final ApprovalFaults NONE = new ApprovalFaults(0, 0, false, false, false, 0, 0, 0, -1);

    private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");

    /** How one request with a decision is treated. */
    sealed interface Treatment {

        record Refused(int status) implements Treatment {}

        /** The connection closes without an answer. */
        record Lost(boolean heard) implements Treatment {}

        record Lie() implements Treatment {}

        record Heard(long holdMillis, long ackMillis) implements Treatment {}

        private int weight() {
            return switch (this) {
                case Refused(_) -> 4;
                case Lost(var heard) -> heard ? 2 : 3;
                case Lie() -> 1;
                case Heard(_, _) -> 0;
            };
        }

        /** For a request that decides two calls: the worse of both. */
        default Treatment and(Treatment other) {
            if (this instanceof Heard(var hold, var ack) && other instanceof Heard(var otherHold, var otherAck)) {
                return new Heard(Math.max(hold, otherHold), Math.max(ack, otherAck));
            }
            return weight() >= other.weight() ? this : other;
        }
    }

    /** @param nth which decision for the call it is, from 1 */
    Treatment treatment(int nth) {
        if (nth <= refusals) {
            return new Treatment.Refused(status);
        }
        if (nth == refusals + 1 && (unheard || lost)) {
            return new Treatment.Lost(!unheard);
        }
        return lie ? new Treatment.Lie() : new Treatment.Heard(holdMillis, ackMillis);
    }

    /** Empty if there is a word that is neither an option nor a number; numbers too many say nothing. */
    static Optional<ApprovalFaults> parse(List<String> words) {
        Deque<String> rest = new ArrayDeque<>(words);
        ApprovalFaults faults = NONE;
        while (faults != null && !rest.isEmpty()) {
            faults = faults.with(rest.poll(), rest);
        }
        return Optional.ofNullable(faults);
    }

    private ApprovalFaults with(String option, Deque<String> rest) {
        return switch (option) {
            case "ack-lost" -> new ApprovalFaults(refusals, status, unheard, true, lie, ackMillis, holdMillis,
                    slowMillis, timeoutMillis);
            case "ack-lost-unheard" -> new ApprovalFaults(refusals, status, true, lost, lie, ackMillis, holdMillis,
                    slowMillis, timeoutMillis);
            case "lie" -> new ApprovalFaults(refusals, status, unheard, lost, true, ackMillis, holdMillis, slowMillis,
                    timeoutMillis);
            case "ack-slow" -> new ApprovalFaults(refusals, status, unheard, lost, lie, number(rest, 1000), holdMillis,
                    slowMillis, timeoutMillis);
            case "unheard-slow" -> new ApprovalFaults(refusals, status, unheard, lost, lie, ackMillis,
                    number(rest, 1000), slowMillis, timeoutMillis);
            case "slow" -> new ApprovalFaults(refusals, status, unheard, lost, lie, ackMillis, holdMillis,
                    number(rest, 1000), timeoutMillis);
            case "timeout" -> new ApprovalFaults(refusals, status, unheard, lost, lie, ackMillis, holdMillis,
                    slowMillis, number(rest, -1));
            case "refuse" -> {
                int refusal = number(rest, 503);
                yield refusal < 400 || refusal > 599 ? null
                        : new ApprovalFaults(number(rest, Integer.MAX_VALUE), refusal, unheard, lost, lie, ackMillis,
                                holdMillis, slowMillis, timeoutMillis);
            }
            default -> NUMBER.matcher(option).matches() ? this : null;
        };
    }

    private static int number(Deque<String> rest, int otherwise) {
        return !rest.isEmpty() && NUMBER.matcher(rest.peek()).matches() ? Integer.parseInt(rest.poll()) : otherwise;
    }
}
