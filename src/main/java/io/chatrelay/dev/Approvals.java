package io.chatrelay.dev;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.ApprovalFaults.Treatment;
import io.chatrelay.dev.ApprovalFaults.Treatment.Heard;
import io.chatrelay.dev.ApprovalFaults.Treatment.Lie;
import io.chatrelay.dev.ApprovalFaults.Treatment.Lost;
import io.chatrelay.dev.ApprovalFaults.Treatment.Refused;
import io.chatrelay.dev.Step.ToolCall;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;

/**
 * The calls of one server that were shown for approval, and how it hears decisions about them: well, or as the call's
 * {@link ApprovalFaults} want it. Whose conversation a call is in, nobody checks.
 */
final class Approvals {

    private static final int MAX_CALLS = 20_000;
    private static final DateTimeFormatter UPDATED_AT = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS")
            .withZone(ZoneOffset.UTC);

    /** One call. */
    static final class Asked {

        final ToolCall call;
        final Run run;
        final String executionId;
        final String updatedAt = UPDATED_AT.format(Instant.now());
        private int requests;
        private boolean decided;

        Asked(ToolCall call, Run run, String executionId) {
            this.call = call;
            this.run = run;
            this.executionId = executionId;
        }

        boolean waits() {
            return !decided;
        }
    }

    /** What a request says about one call. */
    record Said(String callId, boolean approved, String reason) {}

    /** How an endpoint answers. */
    interface Answers {

        Reply refusal(int status);

        /** @param waited for each call, whether it waited for the decision */
        Reply results(List<Said> said, List<Boolean> waited);

        /** Where the rest of a durable run goes, if that is the answer. */
        default Optional<EventSink> continuation() {
            return Optional.empty();
        }
    }

    private final LruMap<String, Asked> calls = new LruMap<>(MAX_CALLS);

    Asked ask(ToolCall call, Run run, String executionId) {
        Asked asked = new Asked(call, run, executionId);
        calls.put(call.id(), asked);
        return asked;
    }

    boolean isOf(String callId, String executionId) {
        Asked asked = calls.get(callId);
        return asked != null && asked.executionId.equals(executionId);
    }

    /** Takes a valid request that decides, and answers it or not. */
    void hear(HttpServerRequest request, List<Said> said, Answers answers) {
        switch (treatment(said)) {
            case Refused(var status) -> answers.refusal(status).to(request.response());
            case Lost(var heard) -> {
                if (heard) {
                    decide(said);
                }
                request.connection().close();
            }
            case Lie() -> answers.results(said, said.stream().map(_ -> true).toList()).to(request.response());
            case Heard(var hold, var ack) -> {
                request.response().exceptionHandler(_ -> {});
                after(hold, () -> take(request, said, answers, ack));
            }
        }
    }

    private Treatment treatment(List<Said> said) {
        Treatment treatment = new Heard(0, 0);
        for (Said one : said) {
            Asked asked = calls.get(one.callId());
            if (asked != null) {
                treatment = treatment.and(asked.call.faults().treatment(++asked.requests));
            }
        }
        return treatment;
    }

    private void take(HttpServerRequest request, List<Said> said, Answers answers, long ack) {
        Optional<Run> durable = said.stream().map(this::waiting).flatMap(Optional::stream).map(asked -> asked.run)
                .filter(Run::isDurable).reduce((_, last) -> last);
        boolean gone = request.response().closed();
        Optional<EventSink> reader = durable.isPresent() && !gone ? answers.continuation() : Optional.empty();
        reader.ifPresent(outlet -> durable.get().continueOn(ack > 0 ? new DelayedSink(outlet, ack) : outlet));
        List<Boolean> waited = decide(said);
        if (reader.isEmpty() && !gone) {
            Reply reply = answers.results(said, waited);
            InkeepEmulator.send(new Reply(reply.status(), reply.headers(), reply.body(), ack), request);
        }
    }

    private Optional<Asked> waiting(Said said) {
        return Optional.ofNullable(calls.get(said.callId())).filter(Asked::waits);
    }

    private List<Boolean> decide(List<Said> said) {
        List<Runnable> approvals = new ArrayList<>();
        List<Runnable> denials = new ArrayList<>();
        List<Boolean> waited = said.stream().map(one -> {
            Optional<Asked> waiting = waiting(one);
            waiting.ifPresent(asked -> {
                asked.decided = true;
                (one.approved() ? approvals : denials).add(() -> asked.run.decide(asked.call, one.approved(), one.reason()));
            });
            return waiting.isPresent();
        }).toList();
        // An approved tool takes a moment to run, so a denial in the same request shows first (80a).
        denials.forEach(Runnable::run);
        approvals.forEach(Runnable::run);
        return waited;
    }

    private static void after(long millis, Runnable then) {
        if (millis <= 0) {
            then.run();
        } else {
            Vertx.currentContext().owner().setTimer(millis, _ -> then.run());
        }
    }
}
