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
 * One connection, from its first byte on: it has a request, or little time.
 *
 * <pre>
 * waiting for a head ── a whole head ──▶ serving ── the last answer's end ──▶ idle ── a byte ──▶ waiting for a head
 *        │                                                                     │
 *        └── too late, too many lines, evicted ──▶ leaving ◀── too long ───────┘
 * </pre>
 *
 * While it serves nothing of this counts: a stream lives as long as its turn. HTTP/2 has its own bounds on heads, and bytes of it that are no
 * request; there the time of an idle connection counts alone.
 *
 * <p>It also gives a body to what Vert.x refuses before any of our code is asked, for that is the one place where all of it comes by. Everything
 * here happens on the connection's event loop.
 */
final class GuardedConnection extends ChannelDuplexHandler {

    /** Counts connections, and closes the oldest of those that wait where there are too many. */
    interface Gate {

        /** A connection begins to wait for a request of a caller who is not known. */
        void waits(GuardedConnection connection);

        void waitsNoMore(GuardedConnection connection);

        /** A connection is being closed from here. */
        void closing(CloseReason reason);
    }

    /** Of an object, for in dev mode it may be the guard of the classes from before a change. */
    static final AttributeKey<Object> KEY = AttributeKey.valueOf("chat-relay.guard");
    /** What was written last is read by the peer only if nothing comes from it unread when we close: so its bytes are thrown away for a moment. */
    private static final Duration LINGER = Duration.ofSeconds(1);
    private static final long MOST_DISCARDED = 1 << 20;
    private static final int STATUS_AT = "HTTP/1.1 ".length();

    private enum State {
        WAITING, SERVING, IDLE, LEAVING
    }

    /** Sees what was decoded: whether a body has come whole, and one whose chunks are none, after which Vert.x would close without a word. */
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

    /** An answer's end is told by the thread that wrote it, before the event loop has written it. */
    private void onLoop(Runnable task) {
        if (connection.executor().inEventLoop()) {
            task.run();
        } else {
            connection.executor().execute(task);
        }
    }

    /** A request's head has come whole. */
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

    /** Whether the body of the request that came last has come whole, read by somebody or not. Told to any thread. */
    boolean bodyIsWhole() {
        return http2 || bodyIsWhole;
    }

    /** Its caller has a key. */
    void known() {
        onLoop(() -> known = true);
    }

    /**
     * Its answer is written.
     *
     * @param last whether the connection ends with it, as the answer says
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

    /** Others came, and this one has waited longest. */
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

    /** Says that nothing more comes from here, and closes when the peer has had time to read what came. */
    private void finish() {
        state = State.LEAVING;
        cancelDeadline();
        gate.waitsNoMore(this);
        connection.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> {
            // From when all of the answer is on its way: a page of megabytes takes its reader longer than a moment.
            if (connection.channel() instanceof DuplexChannel duplex && duplex.isActive()) {
                duplex.shutdownOutput();
                duplex.config().setAutoRead(true);
            }
            connection.executor().schedule(() -> {
                connection.close();
            }, LINGER.toMillis(), TimeUnit.MILLISECONDS);
        });
    }

    /** What is encrypted comes by here as it is on the wire: nothing of it is read, or written in between. */
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

    /** Where no request was begun, only Vert.x can have refused one: by an answer without a body. */
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

    /** Vert.x closes right after its refusal; what the peer still sends would then make it lose the answer. */
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
