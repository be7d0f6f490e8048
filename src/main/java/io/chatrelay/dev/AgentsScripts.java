package io.chatrelay.dev;

import static io.chatrelay.dev.Step.pause;
import static io.chatrelay.dev.Step.sequence;

import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.chatrelay.dev.Answer.Play;

/** The texts that the recorded agents were asked, and what only this API can do. The pauses are the recordings'. */
final class AgentsScripts {

    private final AgentsDialect dialect;
    private final Turn turn;

    AgentsScripts(AgentsDialect dialect, Turn turn) {
        this.dialect = dialect;
        this.turn = turn;
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
            default -> ToolKeyword.parse(turn.text()).map(keyword -> new ToolRun(dialect, turn, keyword).steps())
                    .orElse(null);
        };
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
