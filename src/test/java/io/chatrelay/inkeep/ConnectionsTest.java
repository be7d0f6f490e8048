package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.json;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.recorded;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.inkeep.ScriptedInkeep.Answer;
import io.quarkus.test.junit.QuarkusTest;

/**
 * An answer that was read to its end gives its connection back. Whoever closes it then closes another turn's, for the pool has
 * passed it on.
 */
@QuarkusTest
class ConnectionsTest {

    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep();

    static Stream<Answer> wholeAnswers() {
        return Stream.of(json(429, "{}"), json(500, "{}"), json(400, "{}"), json(200, "{}"),
                recorded("agents/01-chat-plain-stream"));
    }

    @ParameterizedTest
    @MethodSource("wholeAnswers")
    void areNotClosedByAnAnswerThatIsOver(Answer answer) {
        inkeep.on("POST /run/api/chat", answer);
        AgentsUpstream upstream = inkeep.upstream("approvals", "parts", "retries", "0");

        for (int i = 0; i < 5; i++) {
            List<ChatEvent> events = all(upstream.run(question(ScriptedInkeep.turn(), "hello")).answer());
            assertThat(events.getLast()).isInstanceOf(Ended.class);
        }

        assertThat(inkeep.connections()).as("one for each event loop").isLessThanOrEqualTo(2);
    }
}
