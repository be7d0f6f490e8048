package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;

import io.chatrelay.support.clients.Installed;
import io.chatrelay.support.clients.Program;
import io.chatrelay.support.clients.Snippet;
import io.quarkus.test.junit.QuarkusTest;

/** What {@code docs/clients/curl.md} shows is what a shell does, and what it says that it prints is what it prints. */
@QuarkusTest
class CurlPageTest extends ServiceTest {

    private static final Path PAGE = Path.of("docs/clients/curl.md");

    @Test
    void printsWhatThePageSays() {
        Installed.CURL.require();
        Iterator<Snippet> snippets = Snippet.of(PAGE).iterator();
        String begin = snippets.next().with("http://localhost:8080", base.resolve("/").toString().replaceFirst("/$", ""))
                .code();
        while (snippets.hasNext()) {
            Snippet block = snippets.next();
            assertThat(block.language()).as("a block that does something").isEqualTo("sh");
            // A caller with limits is shown as if the reader had some.
            String own = block.heading().equals("Limits") ? block.with("\"$auth\"", "'authorization: Bearer paced-key'").code()
                    : block.code();
            Snippet said = snippets.next();
            assertThat(said.language()).as("what it prints").isEqualTo("text");

            String printed = Program.run(Path.of("."), Map.of(), List.of("bash", "-c", begin + own)).printed();

            assertThat(printed.strip()).as(block.code()).matches(pattern(said.code().strip()));
        }
    }

    /** A line of nothing but an ellipsis is any number of lines. */
    private static Pattern pattern(String said) {
        return Pattern.compile(said.lines().map(line -> line.equals("…") ? "(?s:.*?)"
                : Arrays.stream(line.split("…", -1)).map(Pattern::quote).collect(Collectors.joining(".*?")))
                .collect(Collectors.joining("\\R+")));
    }
}
