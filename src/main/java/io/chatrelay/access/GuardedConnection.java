package io.chatrelay.access;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;

/**
 * One connection, from its first byte on: without a request, it has little time.
 *
 * <pre>
 * waiting for a head ── complete head ──▶ serving ── end of the last answer ──▶ idle ── a byte ──▶ waiting for a head
 *        │                                                                       │
 *        └── time-out, too many lines, evicted ──▶ leaving ◀── time-out ─────────┘
 * </pre>
 *
 * While the connection is serving, none of these limits applies: a stream lives as long as its turn. HTTP/2 has its own limits for heads,
 * and its bytes need not be requests; for HTTP/2 only the idle time-out applies.
 *
 * <p>The guard also adds a body to the errors that Vert.x answers before it calls the code of this service, because only here all of them
 * can be seen. All work runs on the connection's event loop.
 */
final class GuardedConnection extends ChannelDuplexHandler {

    /** Counts connections, and closes the oldest waiting connection if there are too many. */
    interface Gate {

        /** A connection without a known caller begins to wait for a request. */
        void waits(GuardedConnection connection);

        void waitsNoMore(GuardedConnection connection);

        /** This service closes the connection. */
        void closing(CloseReason reason);
    }

    /** The value is an Object, because in dev mode it may be the guard of the classes from before a reload. */
    static final AttributeKey<Object> KEY = AttributeKey.valueOf("chat-relay.guard");
    /**
     * When the service closes a connection with unread bytes of the peer, the peer may lose the last answer. So the guard reads and discards
     * these bytes for a moment.
     */
    private static final Duration LINGER = Duration.ofSeconds(1);
    private static final long MOST_DISCARDED = 1 << 20;
    private static final int STATUS_AT = "HTTP/1.1 ".length();

    private enum State {
        WAITING, SERVING, IDLE, LEAVING
    }

    /**
     * Watches decoded messages: whether a body has arrived completely, and whether its chunks are invalid, because Vert.x would then close
     * without an answer.
     */
    private final class BodyWatch extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (message instanceof HttpContent content && content.decoderResult().isFailure() && !answering
                    && state == State.SERVING) {
                content.release();
                refuse(400);
            } else {
                bodyIsWhole = message instanceof LastHttpContent || bodyIsWhole && !(message instanceof HttpRequest);
                ctx.fireChannelRead(message);
            }
        }
    }

    private final Gate gate;
    private final ConnectionsConfig config;
    private ChannelHandlerContext connection;
    private State state = State.WAITING;
    private RequestHeadScanner head;
    private int requests;
    private long discarded;
    private boolean known;
    private volatile boolean http2;
    private boolean answering;
    private volatile boolean bodyIsWhole;
    private ScheduledFuture<?> deadline;

    GuardedConnection(Gate gate, ConnectionsConfig config) {
        this.gate = gate;
        this.config = config;
        this.head = new RequestHeadScanner(config.maxHeaders());
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        connection = ctx;
        ctx.channel().attr(KEY).set(this);
        await(State.WAITING, config.headTimeout(), CloseReason.HEAD_TIMEOUT);
        ctx.fireChannelActive();
    }

    private void await(State next, Duration time, CloseReason reason) {
        state = next;
        cancelDeadline();
        deadline = connection.executor().schedule(() -> {
            if (state == next) {
                leave(reason);
            }
        }, time.toMillis(), TimeUnit.MILLISECONDS);
        if (known) {
            gate.waitsNoMore(this);
        } else {
            gate.waits(this);
        }
    }

    private void cancelDeadline() {
        if (deadline != null) {
            deadline.cancel(false);
            deadline = null;
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (state == State.LEAVING) {
            discarded += message instanceof ByteBuf bytes ? bytes.readableBytes() : 0;
            ReferenceCountUtil.release(message);
            if (discarded > MOST_DISCARDED) {
                ctx.close();
            }
            return;
        }
        if (state == State.IDLE && !http2) {
            head = new RequestHeadScanner(config.maxHeaders());
            await(State.WAITING, config.headTimeout(), CloseReason.HEAD_TIMEOUT);
        }
        if (state == State.WAITING && !http2 && !isEncrypted() && message instanceof ByteBuf bytes && !head.allows(bytes)) {
            bytes.release();
            gate.closing(CloseReason.TOO_MANY_HEADERS);
            refuse(431);
            return;
        }
        ctx.fireChannelRead(message);
    }

    /** The thread that wrote an answer reports its end before the event loop has written it. */
    private void onLoop(Runnable task) {
        if (connection.executor().inEventLoop()) {
            task.run();
        } else {
            connection.executor().execute(task);
        }
    }

    /** The head of a request has arrived completely. */
    void begun(boolean overHttp2) {
        onLoop(() -> serve(overHttp2));
    }

    private void serve(boolean overHttp2) {
        http2 = overHttp2;
        requests++;
        answering = false;
        if (!http2 && connection.pipeline().get(BodyWatch.class) == null) {
            connection.pipeline().addAfter("httpDecoder", "bodyWatch", new BodyWatch());
        }
        if (state != State.LEAVING) {
            state = State.SERVING;
            cancelDeadline();
            gate.waitsNoMore(this);
        }
    }

    /** Whether the body of the latest request has arrived completely, read by the application or not. Any thread may call it. */
    boolean bodyIsWhole() {
        return http2 || bodyIsWhole;
    }

    /** The caller has authenticated with its key. */
    void known() {
        onLoop(() -> known = true);
    }

    /**
     * The answer is complete.
     *
     * @param last whether the connection closes after it, as the answer states
     */
    void ended(boolean last) {
        onLoop(() -> rest(last));
    }

    private void rest(boolean last) {
        requests--;
        if (state != State.SERVING || requests > 0) {
            return;
        }
        if (last && !http2 && !isEncrypted()) {
            finish();
        } else {
            await(State.IDLE, known && !last ? config.keepAlive() : config.anonymousKeepAlive(), CloseReason.IDLE);
        }
    }

    /** There are too many connections, and this one has waited longest. */
    void evict() {
        connection.executor().execute(() -> {
            if (!known && (state == State.WAITING || state == State.IDLE)) {
                leave(CloseReason.EVICTED);
            }
        });
    }

    private void leave(CloseReason reason) {
        if (state != State.LEAVING) {
            state = State.LEAVING;
            gate.closing(reason);
            connection.close();
        }
    }

    /** Closes the output, and closes the connection after the peer had time to read the answer. */
    private void finish() {
        state = State.LEAVING;
        cancelDeadline();
        gate.waitsNoMore(this);
        connection.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> {
            // The time starts when the whole answer has been sent: reading an answer of megabytes takes longer than a moment.
            if (connection.channel() instanceof DuplexChannel duplex && duplex.isActive()) {
                duplex.shutdownOutput();
                duplex.config().setAutoRead(true);
            }
            connection.executor().schedule(() -> {
                connection.close();
            }, LINGER.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    /** Encrypted bytes pass unchanged through this handler: it cannot read them, or write between them. */
    private boolean isEncrypted() {
        return connection.pipeline().get(SslHandler.class) != null;
    }

    private void refuse(int status) {
        if (isEncrypted()) {
            connection.close();
            return;
        }
        connection.writeAndFlush(EarlyErrorResponse.answer(status, connection.alloc()));
        finish();
    }

    /** If no request has begun, the answer can only be a rejection by Vert.x, which has no body. */
    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (state == State.WAITING && message instanceof ByteBuf bytes && status(bytes) >= 400) {
            int status = status(bytes);
            bytes.release();
            ctx.write(EarlyErrorResponse.answer(status, ctx.alloc()), promise);
            finish();
        } else {
            answering = true;
            ctx.write(message, promise);
        }
    }

    private static int status(ByteBuf bytes) {
        if (bytes.readableBytes() < STATUS_AT + 3
                || !bytes.toString(bytes.readerIndex(), 5, StandardCharsets.US_ASCII).equals("HTTP/")) {
            return -1;
        }
        String status = bytes.toString(bytes.readerIndex() + STATUS_AT, 3, StandardCharsets.US_ASCII);
        return status.chars().allMatch(Character::isDigit) ? Integer.parseInt(status) : -1;
    }

    /** Vert.x closes right after its rejection; if the peer is still sending, it would then lose the answer. */
    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (state == State.LEAVING && deadline == null && ctx.channel().isActive()) {
            ctx.channel().closeFuture().addListener((ChannelFutureListener) _ -> promise.trySuccess());
        } else {
            ctx.close(promise);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        state = State.LEAVING;
        cancelDeadline();
        gate.waitsNoMore(this);
        ctx.fireChannelInactive();
    }
}
