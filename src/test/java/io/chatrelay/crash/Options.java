package io.chatrelay.crash;

import java.util.List;

/**
 * What a run is made of. Everything that is random in it comes from the seed.
 *
 * @param rounds  faults, one a round
 * @param callers at the same time, all the time
 * @param only    kinds of fault that are used, by name; all if empty
 * @param planted whether a violation is what is looked for: checked every round, and over with the first
 */
record Options(int rounds, long seed, int callers, List<String> only, boolean planted) {

    static Options parse(String... args) {
        Options options = new Options(20, System.currentTimeMillis() % 1_000_000, 24, List.of(), false);
        for (int i = 0; i < args.length; i += 2) {
            if (i + 1 == args.length) {
                throw new IllegalArgumentException(args[i] + " needs a value");
            }
            options = options.with(args[i], args[i + 1]);
        }
        return options;
    }

    private Options with(String name, String value) {
        return switch (name) {
            case "--rounds" -> new Options(Integer.parseInt(value), seed, callers, only, planted);
            case "--seed" -> new Options(rounds, Long.parseLong(value), callers, only, planted);
            case "--callers" -> new Options(rounds, seed, Integer.parseInt(value), only, planted);
            case "--only" -> new Options(rounds, seed, callers, List.of(value.split(",")), planted);
            case "--planted" -> new Options(rounds, seed, callers, only, Boolean.parseBoolean(value));
            default -> throw new IllegalArgumentException(
                    name + " is not known: --rounds, --seed, --callers, --only, --plant are");
        };
    }

    /** What repeats the run. */
    String command() {
        return "bench/crash --rounds %d --seed %d --callers %d%s".formatted(rounds, seed, callers,
                only.isEmpty() ? "" : " --only " + String.join(",", only));
    }
}
