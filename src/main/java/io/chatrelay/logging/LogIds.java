package io.chatrelay.logging;

import java.util.UUID;

import org.jboss.logging.MDC;

import io.quarkus.vertx.core.runtime.VertxMDC;
import io.smallrye.common.vertx.VertxContext;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.impl.ContextInternal;

/**
 * The request, the turn and the conversation on whose behalf a line of the log is written, and the turn's place in its trace. The console's format
 * and every structured format find them in the MDC, under the names of the constants. Those of the trace are Quarkus' own, which it sets for what
 * a request does outside of a turn.
 *
 * <p>Quarkus keeps the MDC in the current duplicated Vert.x context, and in the thread where there is no context. Threads share a duplicated
 * context, and a context that is not duplicated keeps nothing. So work on behalf of a turn gets a duplicate of its own and never changes the ids
 * of a context that others use.
 *
 * @param request      null if no request waits for the work
 * @param turn         null if the work belongs to no turn
 * @param conversation the id that callers use; null if it is not known
 * @param trace        the trace of the turn; null if it is not traced
 * @param span         the turn's span; null if it is not traced
 */
public record LogIds(String request, String turn, String conversation, String trace, String span) {

    public static final String REQUEST = "requestId";
    public static final String TURN = "turnId";
    public static final String CONVERSATION = "conversationId";
    public static final String TRACE = "traceId";
    public static final String SPAN = "spanId";
    public static final LogIds NONE = new LogIds(null, null, null, null, null);
    /** Where the ids of the trace and of the span are in a {@code traceparent}. Source: W3C Trace Context, level 1, version 00. */
    private static final int TRACE_AT = 3;
    private static final int SPAN_AT = 36;
    private static final int FLAGS_AT = 53;

    /** The ids of the current context or thread. */
    public static LogIds current() {
        return new LogIds((String) MDC.get(REQUEST), (String) MDC.get(TURN), (String) MDC.get(CONVERSATION),
                (String) MDC.get(TRACE), (String) MDC.get(SPAN));
    }

    /** For work on a turn of which no more is known. */
    public static LogIds ofTurn(UUID turn) {
        return NONE.withTurn(turn, null, null);
    }

    /**
     * For work that belongs to a turn and to no request: the turn outlives the request that began it.
     *
     * @param traceparent of the turn's span; null if it is not traced
     */
    public static LogIds ofTurn(UUID turn, String conversation, String traceparent) {
        return NONE.withTurn(turn, conversation, traceparent);
    }

    /** Gives the current request its id. Its context ends with it, so nothing has to be removed. */
    public static void begin(String request) {
        MDC.put(REQUEST, request);
    }

    /** Those of a request. */
    public static LogIds ofRequest(String request) {
        return new LogIds(request, null, null, null, null);
    }

    /** For the part of a request that works on a turn: its place is in the turn's trace, whichever trace the request is in. */
    public LogIds withTurn(UUID id, String conversationId, String traceparent) {
        return new LogIds(request, id.toString(), conversationId,
                traceparent == null ? null : traceparent.substring(TRACE_AT, SPAN_AT - 1),
                traceparent == null ? null : traceparent.substring(SPAN_AT, FLAGS_AT - 1));
    }

    /** Runs the task so that each line of the log that it writes, here or on a virtual thread that it starts, has exactly these ids. */
    public void run(Runnable task) {
        Context current = Vertx.currentContext();
        if (current == null) {
            runInThread(task);
        } else if (equals(current())) {
            task.run();
        } else {
            ContextInternal own = (ContextInternal) context(current);
            ContextInternal previous = own.beginDispatch();
            try {
                task.run();
            } finally {
                own.endDispatch(previous);
            }
        }
    }

    private void runInThread(Runnable task) {
        LogIds previous = current();
        set();
        try {
            task.run();
        } finally {
            previous.set();
        }
    }

    private void set() {
        set(REQUEST, request);
        set(TURN, turn);
        set(CONVERSATION, conversation);
        set(TRACE, trace);
        set(SPAN, span);
    }

    private static void set(String key, String value) {
        if (value == null) {
            MDC.remove(key);
        } else {
            MDC.put(key, value);
        }
    }

    /** A task that can be given to any thread: it runs as by {@link #run}. */
    public Runnable bound(Runnable task) {
        return () -> run(task);
    }

    /** A duplicate of the context, on the same event loop. What runs on it has these ids. */
    public Context context(Context shared) {
        Context own = VertxContext.createNewDuplicatedContext(shared);
        put(own, REQUEST, request);
        put(own, TURN, turn);
        put(own, CONVERSATION, conversation);
        put(own, TRACE, trace);
        put(own, SPAN, span);
        return own;
    }

    private static void put(Context context, String key, String value) {
        if (value != null) {
            VertxMDC.INSTANCE.put(key, value, context);
        }
    }
}
