package io.chatrelay.support.it;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.awaitility.Awaitility;

import io.chatrelay.support.sse.ReceivedEvents;
import io.chatrelay.support.sse.SseEvent;

/**
 * Reads a turn as an {@code EventSource} does: after every end and every cut it comes back with the id that it saw last, until it is
 * told 204. Any other status than 200 ends it for good.
 */
public final class EventSourceReader {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final RelayClient address;
    private final String conversation;
    private final Runnable opened;
    private final Consumer<SseEvent> seen;
    private final List<SseStream> streams = new ArrayList<>();
    /** Shorter than a browser's, for tests wait for it; a stream's own {@code retry:} counts more. */
    private Duration retry = Duration.ofMillis(100);
    /** Before the first one: the running turn from its beginning. */
    private String lastId = "0";
    private long lastNumber;
    private boolean left;
    private int stoppedBy;

    private EventSourceReader(URI address, String conversation, Runnable opened, Consumer<SseEvent> seen,
            Function<SseStream, SseStream> first) {
        this.address = new RelayClient(address);
        this.conversation = conversation;
        this.opened = opened;
        this.seen = seen;
        next(first);
    }

    /** Reads the conversation's turn from its beginning. */
    public static EventSourceReader of(URI address, String conversation, Consumer<SseEvent> seen) {
        return new EventSourceReader(address, conversation, () -> {}, seen,
                into -> new RelayClient(address).readOn(conversation, "0", into));
    }

    public static EventSourceReader of(URI address, String conversation) {
        return of(address, conversation, _ -> {});
    }

    /**
     * Sends the message to one replica, reads the answer there, and comes back to another address.
     *
     * @param opened is told of each stream that begins
     */
    public static EventSourceReader asking(RelayProcess relay, URI address, String upstream, String conversation, String text,
            Runnable opened, Consumer<SseEvent> seen) {
        return new EventSourceReader(address, conversation, opened, seen,
                into -> new RelayClient(relay).chat(upstream, conversation, text, into));
    }

    public static EventSourceReader asking(RelayProcess relay, URI address, String upstream, String conversation, String text) {
        return asking(relay, address, upstream, conversation, text, () -> {}, _ -> {});
    }

    private void next(Function<SseStream, SseStream> open) {
        SseStream stream = new SseStream(opened, this::note);
        synchronized (this) {
            if (left) {
                return;
            }
            streams.add(stream);
        }
        open.apply(stream).whenOver(() -> over(stream));
    }

    private void note(SseEvent frame) {
        if (!frame.id().isEmpty()) {
            synchronized (this) {
                lastId = frame.id();
                lastNumber = frame.number();
            }
        }
        seen.accept(frame);
    }

    private void over(SseStream stream) {
        int status = stream.status();
        synchronized (this) {
            if (status != 0 && status != 200) {
                stoppedBy = status;
                return;
            }
            retry = stream.retry().orElse(retry);
        }
        RelayClient.VERTX.setTimer(Math.max(1, retry.toMillis()),
                _ -> next(into -> address.readOn(conversation, lastId(), into)));
    }

    /** All numbered events that it was given, by all its streams. */
    public List<SseEvent> numbered() {
        return streams().stream().flatMap(stream -> stream.numbered().stream()).toList();
    }

    /** What each of its connections gave. */
    public synchronized List<SseStream> streams() {
        return List.copyOf(streams);
    }

    public synchronized int connections() {
        return streams.size();
    }

    public synchronized long lastNumber() {
        return lastNumber;
    }

    private synchronized String lastId() {
        return lastId;
    }

    public List<Long> ids() {
        return numbered().stream().map(SseEvent::number).toList();
    }

    public String answer() {
        return ReceivedEvents.text(numbered());
    }

    /** The last part that its last answer with any had: {@code [DONE]}, {@code error}, {@code abort}. */
    public String end() {
        return streams().stream().filter(stream -> !stream.events().isEmpty()).reduce((_, last) -> last).orElseThrow().end();
    }

    public UUID turn() {
        return streams().stream().filter(stream -> stream.status() == 200).findFirst().orElseThrow().turn();
    }

    /** The status that ended it; 0 while it reads. */
    public synchronized int stoppedBy() {
        return stoppedBy;
    }

    /** Goes, and does not come back. */
    public void leave() {
        synchronized (this) {
            left = true;
        }
        streams().forEach(SseStream::leave);
    }

    public EventSourceReader awaitEvents(int count) {
        Awaitility.await(count + " events").atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .until(() -> stoppedBy() != 0 || lastNumber() >= count);
        return this;
    }

    public EventSourceReader awaitStop() {
        Awaitility.await("a reader that has read everything").atMost(PATIENCE).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> stoppedBy() != 0);
        return this;
    }

    /** What a reader sees of n events. */
    public static List<Long> numbers(long n) {
        return LongStream.rangeClosed(1, n).boxed().toList();
    }

    /** The emulator's numbered words in a text. */
    public static List<String> words(String text) {
        return Stream.of(text.split("\\s+")).filter(word -> word.startsWith("word")).toList();
    }

    public static List<String> words(int n) {
        return LongStream.range(0, n).mapToObj(i -> "word" + i).toList();
    }
}
