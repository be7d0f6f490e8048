package io.chatrelay.benchmark;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Callers that each send a message on a kept connection, read the answer to its end, and send the next. Plain sockets, for they share the machine with
 * what is measured.
 */
final class Callers {

    private static final byte[] END_OF_CHUNKS = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END_OF_HEAD = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final long LONGEST_MICROS = 60_000_000;

    /** What they saw. @param first microseconds from a request to the first byte of its answer's body */
    record Seen(long turns, long failed, double seconds, Histogram first, Histogram whole) {}

    private final URI chat;
    private final IntFunction<String> conversation;
    private final String text;
    private final AtomicLong turns = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final Histogram first = new ConcurrentHistogram(LONGEST_MICROS, 3);
    private final Histogram whole = new ConcurrentHistogram(LONGEST_MICROS, 3);

    /** @param conversation the id for the number of a turn */
    Callers(URI chat, IntFunction<String> conversation, String text) {
        this.chat = chat;
        this.conversation = conversation;
        this.text = text;
    }

    /** A closed loop of so many callers. */
    Seen loop(int callers, Duration time) throws InterruptedException {
        long start = System.nanoTime();
        long until = start + time.toNanos();
        AtomicLong number = new AtomicLong();
        CountDownLatch open = new CountDownLatch(callers);
        for (int i = 0; i < callers; i++) {
            Thread.startVirtualThread(() -> {
                while (System.nanoTime() < until) {
                    try (Socket socket = new Socket(chat.getHost(), chat.getPort())) {
                        prepare(socket);
                        while (System.nanoTime() < until) {
                            turn(socket, (int) number.getAndIncrement(), until);
                        }
                    } catch (IOException e) {
                        failed.incrementAndGet();
                    }
                }
                open.countDown();
            });
        }
        open.await();
        return seen(start);
    }

    /** So many turns, each on a connection of its own, that begin within this time. */
    Seen burst(int turns, Duration time) throws InterruptedException {
        long start = System.nanoTime();
        CountDownLatch open = new CountDownLatch(turns);
        for (int i = 0; i < turns; i++) {
            int number = i;
            Thread.startVirtualThread(() -> {
                try {
                    TimeUnit.NANOSECONDS.sleep(time.toNanos() * number / turns);
                    try (Socket socket = new Socket(chat.getHost(), chat.getPort())) {
                        prepare(socket);
                        turn(socket, number, Long.MAX_VALUE);
                    }
                } catch (IOException | InterruptedException e) {
                    failed.incrementAndGet();
                } finally {
                    open.countDown();
                }
            });
        }
        open.await();
        return seen(start);
    }

    private static void prepare(Socket socket) throws SocketException {
        socket.setTcpNoDelay(true);
        socket.setSoTimeout((int) (LONGEST_MICROS / 1000));
    }

    private Seen seen(long start) {
        return new Seen(turns.get(), failed.get(), (System.nanoTime() - start) / 1e9, first.copy(), whole.copy());
    }

    private void turn(Socket socket, int number, long until) throws IOException {
        long sent = System.nanoTime();
        socket.getOutputStream().write(Requests.message(chat, conversation.apply(number), text));
        byte[] answer = new byte[32 << 10];
        int length = 0;
        long began = 0;
        InputStream in = socket.getInputStream();
        while (!endsWith(answer, length, END_OF_CHUNKS)) {
            if (length == answer.length) {
                answer = Arrays.copyOf(answer, 2 * length);
            }
            int read = in.read(answer, length, answer.length - length);
            if (read < 0) {
                throw new IOException("the answer is cut off");
            }
            length += read;
            if (began == 0 && hasBody(answer, length)) {
                began = System.nanoTime();
            }
        }
        if (!new String(answer, 0, 12, StandardCharsets.US_ASCII).equals("HTTP/1.1 200")) {
            throw new IOException("the answer is no 200");
        }
        long now = System.nanoTime();
        if (now < until) {
            turns.incrementAndGet();
            first.recordValue(Math.min(LONGEST_MICROS, (began - sent) / 1000));
            whole.recordValue(Math.min(LONGEST_MICROS, (now - sent) / 1000));
        }
    }

    private static boolean endsWith(byte[] bytes, int length, byte[] end) {
        return length >= end.length && Arrays.equals(bytes, length - end.length, length, end, 0, end.length);
    }

    private static boolean hasBody(byte[] bytes, int length) {
        for (int i = 0; i + END_OF_HEAD.length < length; i++) {
            if (Arrays.equals(bytes, i, i + END_OF_HEAD.length, END_OF_HEAD, 0, END_OF_HEAD.length)) {
                return true;
            }
        }
        return false;
    }
}
