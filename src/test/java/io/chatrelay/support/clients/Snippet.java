package io.chatrelay.support.clients;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A fenced block of a page, so that what a page shows is what a test runs.
 *
 * @param heading  the one above it
 * @param language as the fence says it
 */
public record Snippet(String heading, String language, String code) {

    private static final String FENCE = "```";

    /** Those of a page, in their order. */
    public static List<Snippet> of(Path page) {
        List<Snippet> snippets = new ArrayList<>();
        String heading = "";
        String language = null;
        List<String> code = new ArrayList<>();
        for (String line : lines(page)) {
            if (language != null && line.equals(FENCE)) {
                snippets.add(new Snippet(heading, language, String.join("\n", code) + "\n"));
                language = null;
                code.clear();
            } else if (language != null) {
                code.add(line);
            } else if (line.startsWith(FENCE)) {
                language = line.substring(FENCE.length());
            } else if (line.startsWith("#")) {
                heading = line.replaceFirst("#+ ", "");
            }
        }
        return snippets;
    }

    private static List<String> lines(Path page) {
        try {
            return Files.readAllLines(page);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same with something of the test's own in the place of what the page says, which must be there. */
    public Snippet with(String said, String own) {
        if (!code.contains(said)) {
            throw new IllegalArgumentException("'%s' is not in: %s".formatted(said, code));
        }
        return new Snippet(heading, language, code.replace(said, own));
    }

    @Override
    public String toString() {
        return "%s (%s)".formatted(heading, language);
    }
}
