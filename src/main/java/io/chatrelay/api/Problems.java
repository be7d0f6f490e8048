package io.chatrelay.api;

import java.net.URI;
import java.time.Duration;
import java.util.List;

import io.chatrelay.approval.ApprovalException;
import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Turn;
import io.chatrelay.limit.Limit;
import io.chatrelay.limit.LimitException;
import io.chatrelay.turn.TurnConflictException;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** Errors as problems (RFC 9457); {@link ErrorBody} formats them as documented for their path. */
final class Problems {

    static final String DETAILS = "details";
    /** Source: draft-ietf-httpapi-ratelimit-headers-10. */
    private static final URI QUOTA_EXCEEDED = URI.create("https://iana.org/assignments/http-problem-types#quota-exceeded");
    private static final String WAITS = " It waits for the approvals that are listed: decide each with POST /run/api/tool-approvals"
            + " {approved, conversationId, toolCallId}, or with POST /run/api/chat, and it goes on.";

    private static final String BEGUN = "The turn keeps its Idempotency-Key, whose repeats are told the same: ask again under another one.";

    /** One field of {@code details}, and its error. */
    @RegisterForReflection
    record Detail(String field, String message) {}

    private Problems() {}

    /** The caller's mistake, with the name of the invalid field. */
    static HttpProblem invalid(String field, String reason) {
        return wrong(400, field, reason);
    }

    /** A field that this caller may not send. */
    static HttpProblem refused(String field, String reason) {
        return wrong(403, field, reason);
    }

    private static HttpProblem wrong(int status, String field, String reason) {
        return builder(status, field + " " + reason).with("field", field).with(DETAILS, List.of(new Detail(field, reason)))
                .build();
    }

    /** A body that is not read, because a header states another format. */
    static HttpProblem unsupported(String header, String reason) {
        return builder(415, header + " " + reason).with("field", header)
                .with(DETAILS, List.of(new Detail(header, reason))).build();
    }

    static HttpProblem tooLarge(long limit) {
        return builder(413,
                "The body is larger than %d bytes, which is configured as chat-relay.api.max-body.".formatted(limit))
                .withHeader("connection", "close").build();
    }

    /** A body that did not arrive completely in time. The service does not wait for the rest. */
    static HttpProblem tooSlow(Duration limit) {
        return builder(408,
                "The body did not come whole within %d seconds, which is configured as chat-relay.requests.body-timeout."
                        .formatted(limit.toSeconds()))
                .withHeader("connection", "close").build();
    }

    /** A body for which no memory is available beside the other bodies. */
    static HttpProblem tooManyBodies() {
        return builder(503, "Too many large requests are being read. Try again in a moment.").withHeader("retry-after", 1)
                .withHeader("connection", "close").build();
    }

    static HttpProblem of(ChatException e) {
        return switch (e.kind()) {
            case INVALID -> invalid(e.field(), e.getMessage());
            case NOT_FOUND -> missing(e);
            case ROLE_MISSING -> builder(403, e.getMessage()).build();
            case DECIDER_REFUSED -> builder(403, e.getMessage()).with("code", "decider_refused").build();
            case KEY_REUSED -> builder(422, e.getMessage()).with("field", e.field())
                    .with(DETAILS, List.of(new Detail(e.field(), e.getMessage()))).build();
            case UNAVAILABLE -> builder(503, e.getMessage()).withHeader("retry-after", e.retryAfter()).build();
            case BREAKER_OPEN -> builder(503, e.getMessage()).with("code", "upstream_breaker_open")
                    .withHeader("retry-after", e.retryAfter()).build();
            case OVERLOADED -> builder(503, e.getMessage()).with("code", "replica_overloaded")
                    .withHeader("retry-after", e.retryAfter()).build();
            case LIMIT_REACHED -> limited((LimitException) e);
            case TURN_RUNNING -> running((TurnConflictException) e);
            case QUEUE_FULL ->
                    builder(409, e.getMessage()).with("code", "queue_full").withHeader("x-should-retry", "false").build();
            case MESSAGE_QUEUED -> builder(409, e.getMessage()).with("code", "message_queued")
                    .withHeader("retry-after", e.retryAfter()).build();
            case MESSAGE_REFUSED -> builder(409, e.getMessage()).with("code", "message_refused")
                    .withHeader("x-should-retry", "false").build();
            case MESSAGE_BEGUN -> conflict("message_begun", (TurnConflictException) e);
            case NOT_RUNNING -> conflict("no_running_turn", (TurnConflictException) e);
            case APPROVAL_DECIDED -> recorded(409, isSuperseded(e) ? "approval_superseded" : "approval_decided", e);
            case INPUT_CHANGED -> recorded(409, "input_changed", e);
            case APPROVAL_AMBIGUOUS -> recorded(409, "approval_ambiguous", e);
            case APPROVAL_EXPIRED -> recorded(410, "approval_expired", e);
        };
    }

    private static HttpProblem limited(LimitException e) {
        HttpProblem.Builder problem = builder(429, e.getMessage()).withType(QUOTA_EXCEEDED)
                .with("violated-policies", List.of(e.limit().wireName())).withHeader("retry-after", e.retryAfter());
        if (e.limit() == Limit.TOKENS_PER_DAY) {
            // The retries of an SDK would be told the same until midnight.
            problem.withHeader("x-should-retry", "false");
        }
        return problem.build();
    }

    private static HttpProblem missing(ChatException e) {
        HttpProblem.Builder problem = builder(404, e.getMessage());
        if (e.field() != null) {
            problem.with("field", e.field()).with(DETAILS, List.of(new Detail(e.field(), e.getMessage())));
        }
        return problem.build();
    }

    private static boolean isSuperseded(ChatException e) {
        return ((ApprovalException) e).recorded().state().equals(ApprovalState.SUPERSEDED.wireName());
    }

    /** A decision that conflicts with the recorded state, which the error contains. A retry gives the same error. */
    private static HttpProblem recorded(int status, String code, ChatException e) {
        HttpProblem.Builder problem = builder(status, e.getMessage()).with("code", code).withHeader("x-should-retry", "false");
        problem.with("approval", ((ApprovalException) e).recorded());
        if (e.field() != null) {
            problem.with("field", e.field()).with(DETAILS, List.of(new Detail(e.field(), e.getMessage())));
        }
        return problem.build();
    }

    private static HttpProblem running(TurnConflictException e) {
        // A client that automatically retries a 409 would only find the same turn.
        HttpProblem.Builder problem = builder(409, e.pendingApprovals().isEmpty() ? e.getMessage() : e.getMessage() + WAITS)
                .with("code", "turn_running");
        e.turn().ifPresent(turn -> problem.with("turn", turn));
        if (!e.pendingApprovals().isEmpty()) {
            problem.with("approvals", e.pendingApprovals().stream().map(ApprovalView::withoutHistory).toList());
        }
        if (e.retryAfter() != null) {
            return problem.withHeader("retry-after", e.retryAfter()).build();
        }
        return problem.withHeader("x-should-retry", "false").build();
    }

    private static HttpProblem conflict(String code, TurnConflictException e) {
        HttpProblem.Builder problem = builder(409, e.getMessage()).with("code", code).withHeader("x-should-retry", "false");
        e.turn().ifPresent(turn -> problem.with("turn", turn));
        return problem.build();
    }

    /**
     * A turn that did not complete, for a caller that has received no output of it.
     *
     * @param begun whether the upstream had begun to answer: the turn then keeps its key, and a retry of the request gets the same error
     */
    static HttpProblem of(Turn turn, Ended end, boolean begun) {
        Failure failure = end.failure();
        if (failure == null) {
            return builder(409, "The turn was cancelled.").with("code", "turn_cancelled").with("turnId", turn.id().toString())
                    .withHeader("x-should-retry", "false").build();
        }
        if (begun) {
            // A 503 or a Retry-After would mean that a retry helps.
            int status = ErrorCode.of(failure.code());
            return builder(status == 503 ? 502 : status, sentence(failure.message()) + " " + BEGUN)
                    .with("code", failure.name()).with("turnId", turn.id().toString())
                    .withHeader("x-should-retry", "false").build();
        }
        HttpProblem.Builder problem = builder(ErrorCode.of(failure.code()), failure.message())
                .with("code", failure.name()).with("turnId", turn.id().toString());
        if (failure.retryAfter() != null) {
            problem.withHeader("retry-after", failure.retryAfter());
        } else if (failure.code() == Failure.Code.REPLICA_LOST) {
            problem.withHeader("retry-after", 1);
        }
        return problem.build();
    }

    /** The upstream's message may end without a full stop. */
    private static String sentence(String message) {
        return message.endsWith(".") ? message : message + ".";
    }

    /** For a caller that waits for a turn that this replica does not serve any more. */
    static HttpProblem ofAnother(Turn turn) {
        return builder(503, "This replica no longer serves the turn %s, which goes on. Read it at ".formatted(turn.id())
                + "/run/v1/conversations/%s/stream?turn=%s, or repeat the request with the same Idempotency-Key."
                        .formatted(turn.conversationId(), turn.id()))
                .withHeader("retry-after", 1).with("turnId", turn.id().toString()).build();
    }

    static HttpProblem.Builder builder(int status, String detail) {
        return HttpProblem.builder().withStatus(status).withTitle(title(status)).withDetail(detail);
    }

    private static String title(int status) {
        return switch (status) {
            case 401 -> "Unauthorized";
            case 403 -> "Forbidden";
            case 408 -> "Request Timeout";
            case 409 -> "Conflict";
            case 410 -> "Gone";
            case 413 -> "Content Too Large";
            case 415 -> "Unsupported Media Type";
            case 422 -> "Unprocessable Content";
            case 429 -> "Too Many Requests";
            case 502 -> "Bad Gateway";
            case 503 -> "Service Unavailable";
            case 504 -> "Gateway Timeout";
            case 404 -> "Not Found";
            case 500 -> "Internal Server Error";
            default -> "Bad Request";
        };
    }
}
