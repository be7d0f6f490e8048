package io.chatrelay.devmode;

import static io.chatrelay.devmode.Step.pause;
import static io.chatrelay.devmode.Step.sequence;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.chatrelay.devmode.Answer.Play;

/** The texts that the recorded agents were asked, and what only this API can do. The pauses are the recordings'. */
final class AgentsScripts {

    private static final Pattern USE_TOOL = Pattern.compile("use tool (\\w+)(?: timeout (\\d{1,9}))?");
    private static final String BOTH_APPROVALS = "use both approvals";
    private static final long CLASSIC_MODEL_TIMEOUT_MILLIS = 270_000;
    private static final long DURABLE_WAIT_MILLIS = 1_800_000;

    private final AgentsDialect dialect;
    private final Turn turn;

    AgentsScripts(AgentsDialect dialect, Turn turn) {
        this.dialect = dialect;
        this.turn = turn;
    }

    static boolean usesTools(String text) {
        return text.equals("tool") || text.equals(BOTH_APPROVALS) || USE_TOOL.matcher(text).matches();
    }

    Optional<Answer> answer() {
        return Optional.ofNullable(steps()).map(steps -> new Play(steps, false));
    }

    private Stream<Step> steps() {
        return switch (turn.text().strip()) {
            case "long answer" -> sequence(dialect.open(), pause(94), Script.say(dialect, lines(), 1), pause(165),
                    dialect.complete());
            case "slow please" -> sequence(dialect.open(), Script.say(dialect, Script.numbered(40), 250), pause(250),
                    dialect.complete());
            case "empty answer" -> sequence(dialect.open(), pause(221), dialect.fail());
            case "fail 500" -> sequence(dialect.open(), pause(18_517), dialect.fail());
            case "fail midstream" -> sequence(dialect.open(), brokenAttempt(), brokenAttempt(), brokenAttempt(),
                    pause(65), dialect.done());
            case "restart-ok" -> sequence(dialect.open(), brokenAttempt(), pause(94),
                    Script.say(dialect, "This answer will not break off a second time.", 60), pause(65),
                    dialect.complete());
            case "tool" -> tools(List.of(Tool.GET_TIME), null);
            case BOTH_APPROVALS -> tools(List.of(Tool.GET_WEATHER, Tool.DELETE_FILE), null);
            default -> named();
        };
    }

    // "use tool delete_file timeout 500": as if the model's 270 s were 500 ms, for tests that cannot wait.
    private Stream<Step> named() {
        Matcher use = USE_TOOL.matcher(turn.text().strip());
        if (!use.matches()) {
            return null;
        }
        return Tool.named(use.group(1)).map(tool -> tools(List.of(tool), use.group(2))).orElse(null);
    }

    private Stream<Step> tools(List<Tool> tools, String timeout) {
        long wait = dialect.durable ? DURABLE_WAIT_MILLIS : CLASSIC_MODEL_TIMEOUT_MILLIS;
        return new ToolRun(dialect, turn, tools, timeout == null ? wait : Long.parseLong(timeout)).steps();
    }

    /** The model dies in mid-answer; what upstream tries next starts again in the same stream. */
    private Stream<Step> brokenAttempt() {
        return sequence(pause(94), Script.say(dialect, "This answer will break off", 60));
    }

    private static String lines() {
        return IntStream.range(0, 200).mapToObj(line -> "Line " + line + " of the answer.")
                .collect(Collectors.joining("\n"));
    }
}
