package io.chatrelay.support.clients;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The files that a page for clients shows, each named by its fence: {@code js file=transport.js}. */
public final class Docs {

    private static final Path PAGES = Path.of("docs/clients");
    private static final String NAMED = " file=";

    private Docs() {}

    /** The files of a page by their names; a block without a name is an error, for nothing runs it. */
    public static Map<String, String> files(String page) {
        Map<String, String> files = new LinkedHashMap<>();
        for (Snippet snippet : Snippet.of(PAGES.resolve(page))) {
            int named = snippet.language().indexOf(NAMED);
            if (named < 0) {
                throw new AssertionError("%s shows code that no test runs: %s".formatted(page, snippet));
            }
            files.put(snippet.language().substring(named + NAMED.length()), snippet.code());
        }
        return files;
    }

    /** Writes the files of a page into a folder. */
    public static void write(String page, Path folder) {
        try {
            Files.createDirectories(folder);
            for (Map.Entry<String, String> file : files(page).entrySet()) {
                Files.writeString(folder.resolve(file.getKey()), file.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
