package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

/** One table, one owner: whoever changes what a row may become finds every statement that writes it in one place. */
class TableOwnersTest {

    private static final Path SOURCES = Path.of("src/main/java/io/chatrelay");

    /** The files, or the room, in which SQL may write a table. */
    private static final Map<String, String> OWNERS = Map.of(
            "turn", "turn/TurnStore\\.java",
            "stream_token", "turn/StreamTokens\\.java",
            "tool_approval", "approval/(Ledger|ApprovalInsert)\\.java",
            "message", "conversation/(Message|ConversationEffects)\\.java",
            "conversation", "conversation/(Conversation|ConversationEffects)\\.java",
            "turn_event", "journal/EventTable\\.java",
            "caller_tokens", "limit/TokenLedger\\.java",
            "replica", "cluster/Lease\\.java");

    private static final Pattern WRITES = Pattern.compile("(?i)\\b(?:update|insert\\s+into|delete\\s+from)\\s+([a-z_]+)\\b");
    /** What is no SQL: a sentence, and a lock. */
    private static final Pattern COMMENT = Pattern.compile("(?s)/\\*.*?\\*/|//[^\\n]*|\\bfor\\s+(no\\s+key\\s+)?update\\b");

    @Test
    void aTableIsWrittenByItsOwnerAlone() throws IOException {
        Set<String> written = new TreeSet<>();
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                String name = SOURCES.relativize(file).toString().replace('\\', '/');
                Matcher write = WRITES.matcher(COMMENT.matcher(Files.readString(file)).replaceAll(""));
                while (write.find()) {
                    String owner = OWNERS.get(write.group(1));
                    if (owner != null) {
                        written.add(write.group(1));
                        assertThat(name).as("writes the table " + write.group(1)).matches(owner);
                    }
                }
            }
        }
        assertThat(written).as("tables whose writes were found").isEqualTo(OWNERS.keySet());
    }
}
