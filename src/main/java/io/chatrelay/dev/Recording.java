package io.chatrelay.dev;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One answer of a real server, or one written after the vendor's documents, as kept in {@code /emulator}.
 *
 * @param name    the name that it was loaded by, {@code agents/01-chat-plain-stream}
 * @param headers the response headers; names are matched without regard to case
 * @param frames  the body in order: the events of an event stream each with its closing blank line, any other body as
 *     one frame. Put together they are the body, byte for byte.
 */
public record Recording(String name, int status, Map<String, String> headers, List<Frame> frames) {

    /** A piece of the body and when it came, in milliseconds since the request was sent. */
    public record Frame(long offsetMillis, String text) {}

    /** Cloud answers were never recorded, so their pace is made up. */
    private static final long UNRECORDED_PACE_MILLIS = 20;

    private static final Map<String, Recording> LOADED = new ConcurrentHashMap<>();
    private static final Pattern END_OF_HEAD = Pattern.compile("\r?\n\r?\n");
    private static final Pattern CHUNK_SIZE = Pattern.compile("[0-9a-fA-F]+\r\n");

    /**
     * The recording of that name, for example {@code agents/01-chat-plain-stream}.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Recording load(String name) {
        if (!index().contains(name)) {
            throw new IllegalArgumentException("No recording is called " + name);
        }
        return LOADED.computeIfAbsent(name, Recording::read);
    }

    /** The names in a folder ({@code agents}, {@code cloud} or {@code legacy}), each as {@link #load} takes it. */
    public static List<String> names(String folder) {
        return index().stream().filter(name -> name.startsWith(folder + "/")).toList();
    }

    public String body() {
        return frames.stream().map(Frame::text).collect(Collectors.joining());
    }

    /** The value of a response header, in whatever case it was sent. */
    public Optional<String> header(String header) {
        return Optional.ofNullable(headers.get(header));
    }

    /** The body of the request that this answers, as sent; empty for a request without one. */
    public Optional<String> requestBody() {
        return resource(name + ".request.txt").flatMap(curl -> {
            int start = curl.indexOf("--data-raw '");
            int end = curl.indexOf('\'', start + 12);
            return start < 0 ? Optional.empty() : Optional.of(curl.substring(start + 12, end));
        });
    }

    // A directory cannot be listed inside a jar or a native executable, hence the index file.
    private static List<String> index() {
        return resource("index.txt").orElseThrow().lines().toList();
    }

    private static Recording read(String name) {
        String raw = resource(name + ".response.http").orElseThrow();
        Matcher blank = END_OF_HEAD.matcher(raw);
        boolean bodiless = !blank.find();
        List<String> head = (bodiless ? raw : raw.substring(0, blank.start())).lines().toList();
        Map<String, String> headers = headers(head);
        String sent = bodiless ? "" : raw.substring(blank.end());
        boolean chunkSizesShown = CHUNK_SIZE.matcher(sent).lookingAt();
        String body = chunkSizesShown ? withoutChunkSizes(sent) : sent;
        boolean events = headers.getOrDefault("content-type", "").startsWith("text/event-stream");
        Pace pace = Pace.of(name, head.size(), chunkSizesShown);
        return new Recording(name, Integer.parseInt(head.getFirst().split(" ")[1]), headers,
                frames(events ? body.splitWithDelimiters("\n\n", 0) : new String[]{ body }, pace));
    }

    private static Map<String, String> headers(List<String> head) {
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (String line : head.subList(1, head.size())) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
        }
        return Collections.unmodifiableMap(headers);
    }

    private static List<Frame> frames(String[] blocksAndBreaks, Pace pace) {
        List<Frame> frames = new ArrayList<>();
        int line = 0;
        for (int i = 0; i < blocksAndBreaks.length; i += 2) {
            String block = blocksAndBreaks[i];
            String end = i + 1 < blocksAndBreaks.length ? blocksAndBreaks[i + 1] : "";
            if (!block.isEmpty()) {
                frames.add(new Frame(pace.millisOf(line, frames.size()), block + end));
                line += (int) block.lines().filter(text -> !text.isBlank()).count();
            }
        }
        return List.copyOf(frames);
    }

    private static String withoutChunkSizes(String sent) {
        // Sizes count bytes; in ISO 8859-1 a character is a byte.
        String bytes = new String(sent.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        StringBuilder body = new StringBuilder();
        Matcher size = CHUNK_SIZE.matcher(bytes);
        for (int at = 0; size.region(at, bytes.length()).lookingAt();) {
            int length = Integer.parseInt(size.group().strip(), 16);
            int end = Math.min(size.end() + length, bytes.length());
            body.append(bytes, size.end(), end);
            at = Math.min(end + 2, bytes.length());
        }
        return new String(body.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private static Optional<String> resource(String path) {
        try (InputStream in = Recording.class.getResourceAsStream("/emulator/" + path)) {
            return in == null ? Optional.empty() : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * When each line of the body came. The {@code .timing.txt} files cut long lines short, so only their times are
     * used, line by line beside the whole text.
     */
    private record Pace(List<Long> lineMillis) {

        static Pace of(String name, int headLines, boolean chunkSizesShown) {
            return new Pace(resource(name + ".timing.txt").stream().flatMap(String::lines)
                    .map(String::strip)
                    .filter(line -> !line.endsWith("]") || !line.contains(" [curl exit "))
                    .skip(headLines)
                    .filter(line -> !chunkSizesShown || !line.matches("[0-9.]+ [0-9a-fA-F]+"))
                    .map(line -> Math.round(Double.parseDouble(line.substring(0, line.indexOf(' '))) * 1000))
                    .toList());
        }

        long millisOf(int line, int frame) {
            if (lineMillis.isEmpty()) {
                return frame * UNRECORDED_PACE_MILLIS;
            }
            return lineMillis.get(Math.min(line, lineMillis.size() - 1));
        }
    }
}
