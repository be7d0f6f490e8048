package io.chatrelay;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a page of the documentation shows as code, so that tests run what readers copy. */
public final class Docs {

    private static final Path PAGES = Path.of("docs/clients");
    private static final Pattern BLOCK = Pattern.compile("^```(\\w+)(?: file=(\\S+))?\n(.*?)^```$",
            Pattern.MULTILINE | Pattern.DOTALL);

    private Docs() {}

    /** The fenced blocks of a page, by the file that each one is named after; a block without a name is an error, for nothing runs it. */
    public static Map<String, String> blocks(String page) {
        Map<String, String> blocks = new LinkedHashMap<>();
        Matcher block = BLOCK.matcher(read(page));
        while (block.find()) {
            if (block.group(2) == null) {
                throw new AssertionError("%s shows code that no test runs: %s".formatted(page, block.group(3)));
            }
            blocks.put(block.group(2), block.group(3));
        }
        return blocks;
    }

    /** Writes the blocks of a page into a folder. */
    public static void write(String page, Path folder) {
        try {
            Files.createDirectories(folder);
            for (Map.Entry<String, String> block : blocks(page).entrySet()) {
                Files.writeString(folder.resolve(block.getKey()), block.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(String page) {
        try {
            return Files.readString(PAGES.resolve(page));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
