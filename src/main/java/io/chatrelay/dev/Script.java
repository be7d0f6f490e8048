package io.chatrelay.dev;

import static io.chatrelay.dev.Step.pause;
import static io.chatrelay.dev.Step.send;
import static io.chatrelay.dev.Step.sequence;
import static java.util.Map.entry;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.chatrelay.dev.Answer.Play;
import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.Answer.Reset;

/**
 * What the fake model does with a text: a keyword with its numbers, {@code recording NAME}, {@code echo TEXT}, one of
 * the API's own texts, or else the ordinary answer. A keyword counts only if nothing but numbers follows it, so that a
 * question which happens to begin with "error" or "long" is still a question.
 */
final class Script {

    @FunctionalInterface
    private interface Keyword {
        Answer play(Script script, Numbers numbers);
    }

    /** The numbers after a keyword, each with its default. */
    private record Numbers(List<Integer> given) {
        int get(int index, int otherwise) {
            return index < given.size() ? given.get(index) : otherwise;
        }
    }

    private static final int ALWAYS = Integer.MAX_VALUE;
    private static final int SCRIPTED_PACE_MILLIS = 20;
    /** A reset throws away what its reader has received and not read yet, however busy that is. */
    private static final int READ_BEFORE_RESET_MILLIS = 1_000;
    /** A pasted document is echoed too; nobody waits 41 ms for each of its words. */
    private static final int WORDS_AT_PACE = 300;
    private static final String FILLER = "x".repeat(16 * 1024);
    /** A fox, in the two halves that UTF-16 makes of it. */
    private static final String HIGH = "\ud83e";
    private static final String LOW = "\udd8a";
    private static final Pattern WORD = Pattern.compile("\\s*\\S+");
    private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");
    private static final String GATEWAY_PAGE = """
            <html>
            <head><title>%1$s</title></head>
            <body>
            <center><h1>%1$s</h1></center>
            </body>
            </html>
            """;

    private static final Map<String, Keyword> KEYWORDS = Map.ofEntries(
            entry("slow", (s, n) -> s.play(s.numberedWords(40, n.get(0, 250)))),
            entry("long", (s, n) -> s.play(s.numberedWords(n.get(0, 1000), 0))),
            entry("think", (s, n) -> s.play(s.thoughtsAndWords(n.get(0, 20), n.get(1, SCRIPTED_PACE_MILLIS)))),
            entry("halves", (s, n) -> s.play(s.halfCharacters(n.get(0, 10), n.get(1, SCRIPTED_PACE_MILLIS)))),
            entry("words", (s, n) -> s.play(s.timedWords(n.get(0, 100), n.get(1, 20)))),
            entry("cut", (s, n) -> s.cut(n.get(0, 3), n.get(0, 3) + 3, false)),
            entry("cut-at", (s, n) -> s.cut(n.get(0, 50) / 10, 10, false)),
            entry("reset-at", (s, n) -> s.cut(n.get(0, 50) / 10, 10, true)),
            entry("eof", (s, n) -> s.unfinished(s.words(numbered(n.get(0, 3))))),
            entry("error", (s, _) -> s.play(sequence(s.dialect.open(), s.dialect.fail()))),
            entry("error-event", (s, _) -> s.play(sequence(s.dialect.open(), s.words("Half an"),
                    s.dialect.failOtherwise()))),
            entry("silence", (s, n) -> s.halves(pause(n.get(0, 5000)))),
            entry("mute", (s, n) -> s.halves(sequence(Stream.of(new Step.Mute(true)), pause(n.get(0, 5000))))),
            entry("half-mute", (s, n) -> s.halves(sequence(Stream.of(new Step.Mute(false)), pause(n.get(0, 5000))))),
            entry("late", (s, n) -> s.play(sequence(pause(n.get(0, 5000)), s.ordinarySteps()))),
            entry("lost", (s, _) -> s.play(sequence(Stream.of(new Step.Cut(false)), s.ordinarySteps()))),
            entry("hang", (_, _) -> new Play(Stream.of(new Step.Hang()), true)),
            entry("429", (s, n) -> s.tooMany(n.get(1, ALWAYS), Map.of("retry-after", "" + n.get(0, 2)))),
            entry("429-bare", (s, n) -> s.tooMany(n.get(0, ALWAYS), Map.of())),
            entry("500", (s, n) -> s.atFirst(n.get(0, ALWAYS),
                    s.dialect.problem(500, "An internal server error occurred. Please try again later."))),
            entry("502", (s, n) -> s.atFirst(n.get(0, ALWAYS), gateway(502, "502 Bad Gateway"))),
            entry("503", (s, n) -> s.atFirst(n.get(0, ALWAYS), gateway(503, "503 Service Temporarily Unavailable"))),
            entry("400", (s, _) -> s.dialect.problem(400, "The request was refused")),
            entry("context", (s, _) -> s.dialect.contextTooLong()),
            entry("html", (_, _) -> gateway(200, "Welcome")),
            entry("reset", (_, _) -> new Reset()),
            entry("malformed", (s, _) -> s.halves(Stream.of(send(Wire.event("this is not JSON"))))),
            entry("truncated", (s, _) -> s.unfinished(sequence(s.words("Half an"),
                    Stream.of(send(s.dialect.delta(" answer").substring(0, 30)))))),
            entry("endless-line", (s, _) -> s.endlessLine()),
            entry("endless", (s, _) -> s.endless()),
            entry("huge", (s, n) -> new Play(sequence(s.dialect.open(), s.dialect.openText(),
                    Stream.of(new Step.Send(() -> s.dialect.delta("x".repeat(n.get(0, 1) << 20)))),
                    s.dialect.closeText(), s.dialect.complete()), true)),
            entry("nul", (s, _) -> s.play(s.answer("nul:\u0000:end lone:\ud83d:end", SCRIPTED_PACE_MILLIS))),
            entry("crlf", (s, _) -> s.play(s.ordinarySteps().map(Script::inOtherClothes))),
            entry("filter", (s, _) -> s.play(sequence(s.dialect.open(), s.words("Half an"), s.dialect.filtered()))));

    private final Turn turn;
    private final Dialect dialect;
    private final ToIntFunction<String> attempts;

    private Script(Turn turn, Dialect dialect, ToIntFunction<String> attempts) {
        this.turn = turn;
        this.dialect = dialect;
        this.attempts = attempts;
    }

    /** @param attempts counts how often it was asked about a key, this time included */
    static Answer of(Turn turn, Dialect dialect, ToIntFunction<String> attempts) {
        return new Script(turn, dialect, attempts).answer();
    }

    private Answer answer() {
        String[] given = turn.text().strip().split("\\s+");
        List<String> rest = Arrays.asList(given).subList(1, given.length);
        Keyword keyword = KEYWORDS.get(given[0]);
        if (keyword != null && rest.stream().allMatch(word -> NUMBER.matcher(word).matches())) {
            return keyword.play(this, new Numbers(rest.stream().map(Integer::valueOf).toList()));
        }
        if (given[0].equals("recording") && !rest.isEmpty()) {
            return replay(rest.getFirst(), rest.contains("fast"));
        }
        if (given[0].equals("echo")) {
            return play(answer(turn.text().strip().substring(4).strip(), dialect.pace().perWord()));
        }
        return dialect.own(turn).orElseGet(() -> play(ordinarySteps()));
    }

    // --- building blocks

    /** The text word by word, the first one at once. */
    static Stream<Step> say(Dialect dialect, String text, long millisPerWord) {
        return say(dialect, split(text), millisPerWord);
    }

    private static Stream<Step> say(Dialect dialect, List<String> words, long millisPerWord) {
        return IntStream.range(0, words.size()).boxed().flatMap(i -> sequence(
                pause(i == 0 || i > WORDS_AT_PACE ? 0 : millisPerWord), dialect.word(words.get(i))));
    }

    static String numbered(int words) {
        return IntStream.range(0, words).mapToObj(i -> "word" + i).collect(Collectors.joining(" "));
    }

    private static List<String> split(String text) {
        return WORD.matcher(text).results().map(MatchResult::group).toList();
    }

    private Stream<Step> words(String text) {
        return sequence(pause(SCRIPTED_PACE_MILLIS), say(dialect, text, SCRIPTED_PACE_MILLIS),
                pause(SCRIPTED_PACE_MILLIS));
    }

    private Stream<Step> answer(String text, long millisPerWord) {
        return sequence(dialect.open(), pause(dialect.pace().beforeFirst()), say(dialect, text, millisPerWord),
                pause(dialect.pace().beforeEnd()), dialect.complete());
    }

    private Stream<Step> ordinarySteps() {
        return answer(dialect.ordinaryText(turn), dialect.pace().perWord());
    }

    private Play play(Stream<Step> steps) {
        return new Play(steps, false);
    }

    // --- keywords

    private Stream<Step> numberedWords(int count, int millis) {
        return sequence(dialect.open(), pause(millis), say(dialect, numbered(count), millis), pause(millis),
                dialect.complete());
    }

    /** One event for each word, which ends with the microsecond that it was sent at. */
    private Stream<Step> timedWords(int count, int millis) {
        // Benchmarks run thousands of these: one pause and one event in turn, without a stream for each word.
        Step pause = new Step.Pause(millis);
        Stream<Step> words = IntStream.range(0, 2 * count).mapToObj(i -> i % 2 == 0 ? pause
                : new Step.Send(
                        () -> dialect.delta(" word" + i / 2 + " @" + ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()))));
        return sequence(dialect.open(), dialect.openText(), words, dialect.closeText(), dialect.complete());
    }

    /** The model reasons aloud, answers half, reasons again and answers the rest. */
    private Stream<Step> thoughtsAndWords(int count, int millis) {
        List<String> words = split(numbered(count));
        List<String> thoughts = words.stream().map(word -> word.replace("word", "thought")).toList();
        int half = count / 2;
        return sequence(dialect.open(), think(thoughts.subList(0, half), millis), say(dialect, words.subList(0, half), millis),
                think(thoughts.subList(half, count), millis), say(dialect, words.subList(half, count), millis), pause(millis),
                dialect.complete());
    }

    private Stream<Step> think(List<String> pieces, long millis) {
        return pieces.stream().flatMap(piece -> sequence(pause(millis), dialect.thought(piece)));
    }

    /** Each character beyond 16 bits comes in two events, in the reasoning and in the text; the last one of each never becomes whole. */
    private Stream<Step> halfCharacters(int count, int millis) {
        return sequence(dialect.open(), think(halved("thought", count), millis),
                halved("word", count).stream().flatMap(piece -> sequence(pause(millis), dialect.openText(),
                        Stream.of(new Step.Send(() -> dialect.delta(piece))), dialect.closeText())),
                dialect.complete());
    }

    private static List<String> halved(String word, int count) {
        return Stream.concat(IntStream.range(0, count).boxed().flatMap(i -> Stream.of(word + i + HIGH, LOW + " ")),
                Stream.of(HIGH)).toList();
    }

    /** Only the connection breaks: a run that outlives its reader goes on and can be read again. */
    private Play cut(int words, int of, boolean reset) {
        List<String> all = split(numbered(of));
        return play(sequence(dialect.open(), pause(SCRIPTED_PACE_MILLIS),
                say(dialect, all.subList(0, words), SCRIPTED_PACE_MILLIS), pause(reset ? READ_BEFORE_RESET_MILLIS : 0),
                Stream.of(new Step.Cut(reset)),
                say(dialect, all.subList(words, all.size()), SCRIPTED_PACE_MILLIS), dialect.complete()));
    }

    /** The run itself is over, and what was said is all that there is. */
    private Play unfinished(Stream<Step> said) {
        return play(sequence(dialect.open(), said));
    }

    private Play halves(Stream<Step> between) {
        List<String> all = split(dialect.ordinaryText(turn));
        long pace = dialect.pace().perWord();
        return play(sequence(dialect.open(), pause(dialect.pace().beforeFirst()),
                say(dialect, all.subList(0, all.size() / 2), pace), between,
                say(dialect, all.subList(all.size() / 2, all.size()), pace), dialect.complete()));
    }

    private Answer tooMany(int times, Map<String, String> headers) {
        Reply reply = dialect.problem(429, "Rate limit reached");
        Map<String, String> all = new HashMap<>(reply.headers());
        all.putAll(headers);
        return atFirst(times, new Reply(429, all, reply.body(), 0));
    }

    private Answer atFirst(int times, Reply refusal) {
        return attempts.applyAsInt(turn.key() + "\n" + turn.text()) <= times ? refusal : play(ordinarySteps());
    }

    /** What a proxy in front of the service says. */
    private static Reply gateway(int status, String title) {
        return Reply.of(status, "text/html", GATEWAY_PAGE.formatted(title));
    }

    private Play endlessLine() {
        String start = dialect.delta("x");
        Stream<Step> filler = Stream.generate(() -> send(FILLER));
        return new Play(sequence(dialect.open(), dialect.openText(),
                Stream.of(send(start.substring(0, start.lastIndexOf('x')))),
                filler.limit((2L << 30) / FILLER.length())), true);
    }

    private Play endless() {
        return new Play(sequence(dialect.open(), dialect.openText(),
                Stream.generate(() -> new Step.Send(() -> dialect.delta(" again and again")))), true);
    }

    /** The same event as the event stream format also allows it: CRLF, a comment, an id, a name, data in two lines. */
    private static Step inOtherClothes(Step step) {
        if (!(step instanceof Step.Send(var text))) {
            return step;
        }
        return new Step.Send(() -> {
            String data = text.get().substring("data: ".length()).stripTrailing();
            return ": a comment\r\nid: 7\r\nevent: message\r\ndata: "
                    + (data.startsWith("{") ? "{\r\ndata:" + data.substring(1) : data) + "\r\n\r\n";
        });
    }

    private Answer replay(String name, boolean fast) {
        String full = name.contains("/") ? name : dialect.folder() + "/" + name;
        if (!Recording.names(full.substring(0, full.indexOf('/'))).contains(full)) {
            return dialect.problem(400, "No recording is called " + full);
        }
        Recording recording = Recording.load(full);
        if (!recording.header("content-type").orElse("").startsWith("text/event-stream")) {
            return whole(recording, fast);
        }
        List<Step> steps = new ArrayList<>();
        long at = 0;
        for (Recording.Frame frame : recording.frames()) {
            steps.add(new Step.Pause(fast ? 0 : frame.offsetMillis() - at));
            steps.add(send(frame.text()));
            at = frame.offsetMillis();
        }
        return play(steps.stream());
    }

    private static Reply whole(Recording recording, boolean fast) {
        long delay = fast || recording.frames().isEmpty() ? 0 : recording.frames().getFirst().offsetMillis();
        Reply reply = Reply.of(recording);
        return recording.header("retry-after")
                .map(after -> new Reply(reply.status(), Map.of("content-type", reply.headers().get("content-type"),
                        "retry-after", after), reply.body(), delay))
                .orElse(new Reply(reply.status(), reply.headers(), reply.body(), delay));
    }
}
