package io.chatrelay.dev;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A text that has the model call tools: {@code use tool NAME}, {@code use both approvals}, {@code use both twice}, {@code use two at
 * once}, {@code use three in turn}, each with an option of {@link CallIds} and those of {@link ApprovalFaults} after it, or {@code tool}.
 *
 * @param rounds what is called one after another; of a round, all at once
 */
record ToolKeyword(List<List<Tool>> rounds, CallIds ids, ApprovalFaults faults) {

    static Optional<ToolKeyword> parse(String text) {
        List<String> words = Arrays.asList(text.strip().split("\\s+"));
        if (words.equals(List.of("tool"))) {
            return Optional.of(new ToolKeyword(List.of(List.of(Tool.GET_TIME)), CallIds.OWN, ApprovalFaults.NONE));
        }
        if (words.size() < 3 || !words.getFirst().equals("use")) {
            return Optional.empty();
        }
        if (words.get(1).equals("tool")) {
            return Tool.named(words.get(2)).flatMap(tool -> of(List.of(List.of(tool)), words.subList(3, words.size())));
        }
        if (words.subList(1, 3).equals(List.of("both", "approvals"))) {
            return of(List.of(List.of(Tool.GET_WEATHER, Tool.DELETE_FILE)), words.subList(3, words.size()));
        }
        if (words.subList(1, 3).equals(List.of("both", "twice"))) {
            return of(List.of(List.of(Tool.GET_WEATHER, Tool.DELETE_FILE), List.of(Tool.DELETE_FILE, Tool.GET_WEATHER)),
                    words.subList(3, words.size()));
        }
        if (words.size() > 3 && words.subList(1, 4).equals(List.of("two", "at", "once"))) {
            return of(List.of(List.of(Tool.GET_TIME, Tool.BOOM)), words.subList(4, words.size()));
        }
        if (words.size() > 3 && words.subList(1, 4).equals(List.of("three", "in", "turn"))) {
            return of(List.of(List.of(Tool.GET_WEATHER), List.of(Tool.DELETE_FILE), List.of(Tool.GET_WEATHER)),
                    words.subList(4, words.size()));
        }
        return Optional.empty();
    }

    private static Optional<ToolKeyword> of(List<List<Tool>> rounds, List<String> options) {
        CallIds ids = options.stream().map(CallIds::named).flatMap(Optional::stream).findFirst().orElse(CallIds.OWN);
        return ApprovalFaults.parse(options.stream().filter(word -> CallIds.named(word).isEmpty()).toList())
                .map(faults -> new ToolKeyword(rounds, ids, faults));
    }
}
