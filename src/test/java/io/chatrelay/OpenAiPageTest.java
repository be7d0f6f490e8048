package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.support.Json;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.clients.Program;
import io.chatrelay.support.clients.Python;
import io.chatrelay.support.clients.Snippet;
import io.quarkus.test.junit.QuarkusTest;

/** The programs of the page for OpenAI's SDKs and the frameworks on them, run as they stand there. */
@QuarkusTest
class OpenAiPageTest extends ServiceTest {

    private static final Path PAGE = Path.of("docs/clients/openai.md");

    @TempDir
    private Path directory;

    static List<Snippet> programs() {
        return Snippet.of(PAGE);
    }

    @Test
    void thePageHasAProgramForEachClient() {
        assertThat(programs()).extracting(Snippet::heading).containsExactly("Python", "Node", "Java", "LangChain4j",
                "Spring AI",
                "LangChain JS", "OpenAI Agents SDK", "AI SDK, as a provider");
    }

    @ParameterizedTest
    @MethodSource("programs")
    void printsTheAnswerAndGoesOnInTheConversation(Snippet program) throws IOException {
        String id = newId();
        Snippet here = program.with("http://localhost:8080", base.toString().replaceFirst("/$", "")).with("demo", id);

        assertThat(run(here)).contains("I saw 1 user message(s); the last was \"hi there\"");
        assertThat(messages(id)).extracting(Json::text).startsWith("hi there").hasSize(2);
    }

    private String run(Snippet program) throws IOException {
        return switch (program.language()) {
            case "python" -> Python.run(program.code()).printed();
            case "js" -> {
                Node.require();
                yield Program.run(Path.of("src/test/node"), Map.of(),
                        List.of("node", "--input-type=module", "--eval", program.code())).printed();
            }
            case "java" -> {
                Path file = Files.writeString(directory.resolve("Program.java"), program.code());
                yield Program.run(directory, Map.of(),
                        List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Djava.util.logging.manager=org.jboss.logmanager.LogManager", "-XX:TieredStopAtLevel=1", "-cp",
                                System.getProperty("java.class.path"), file.toString()))
                        .printed();
            }
            default -> throw new IllegalArgumentException(program.toString());
        };
    }
}
