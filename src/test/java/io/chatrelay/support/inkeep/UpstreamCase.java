package io.chatrelay.support.inkeep;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import io.chatrelay.support.ToldParts;

/**
 * One row of the tables in {@code cases/}: a body that an upstream may send, and what a caller has to see.
 *
 * @param upstream {@code agents} or {@code cloud}
 * @param expected the row's lines, as {@link ToldParts} writes them and the table's head explains
 */
public record UpstreamCase(String upstream, String name, List<String> expected) {

    private static final String WAIT = ": ";

    public static Stream<UpstreamCase> of(String upstream) {
        List<UpstreamCase> cases = new ArrayList<>();
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(open(upstream + ".txt"), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("  ")) {
                    cases.getLast().expected().add(line.stripLeading());
                } else if (!line.isBlank() && !line.startsWith("#")) {
                    cases.add(new UpstreamCase(upstream, line.strip(), new ArrayList<>()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return cases.stream();
    }

    private static InputStream open(String file) {
        return UpstreamCase.class.getResourceAsStream("/cases/" + file);
    }

    /** The body in pieces, between which its server waits for a decision. */
    static List<String> pieces(String path) {
        try (InputStream file = open(path + ".sse")) {
            String body = new String(file.readAllBytes(), StandardCharsets.UTF_8);
            return Arrays.stream(body.split("(?m)^" + WAIT + ".*\n\n")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String path() {
        return upstream + "/" + name;
    }

    public boolean waits() {
        return pieces(path()).size() > 1;
    }

    /** What follows a word at the beginning of lines. */
    public List<String> lines(String word) {
        return expected.stream().filter(line -> line.startsWith(word + " ")).map(line -> line.substring(word.length() + 1))
                .toList();
    }

    /** The lines of what is said, with what is only told or without it. */
    public List<String> said(boolean told) {
        return expected.stream().filter(line -> !line.matches("(ends|fails|usage|answer|hears|inbox) .*")
                && (told || !line.startsWith("transient "))).toList();
    }

    /** How the turn stands in the table. */
    public String state() {
        return lines("fails").isEmpty() ? "completed" : "failed " + code();
    }

    public boolean fails() {
        return !lines("fails").isEmpty();
    }

    public String code() {
        return lines("fails").getFirst().split(" ", 2)[0];
    }

    public String error() {
        return lines("fails").getFirst().split(" ", 2)[1];
    }

    /** The AI SDK's word for its end. */
    public String finishReason() {
        return lines("ends").getFirst().split(" ")[0];
    }

    /** OpenAI's word for it. */
    public String openAiFinishReason() {
        String[] words = lines("ends").getFirst().split(" ");
        return words[words.length - 1];
    }

    @Override
    public String toString() {
        return path();
    }
}
