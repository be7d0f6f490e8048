package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.VERTX;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.stream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.AgentsDecoder.Mode;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.smallrye.mutiny.Multi;
import io.vertx.core.buffer.Buffer;

/** A defect while an answer is read ends it at once: a turn that is told nothing would wait for its silence time-out. */
class DefectTest {

    private static final String ANSWER = Recording.load("agents/01-chat-plain-stream").body();

    /** As a virtual machine throws what it has thrown often: without a trace. */
    private static final class Traceless extends NullPointerException {
        private static final long serialVersionUID = 1;

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    private final Turn turn = ScriptedInkeep.turn();
    private ScriptedInkeep inkeep;
    private InkeepClient client;

    @BeforeEach
    void start() throws Exception {
        inkeep = new ScriptedInkeep().on("POST /run/api/chat", stream(ANSWER, false)).on("GET /run/again",
                stream(ANSWER, false));
        client = new InkeepClient(VERTX, ScriptedInkeep.config(inkeep.url("/run")), Transport.DIRECT);
    }

    @AfterEach
    void stop() {
        client.close();
        inkeep.close();
    }

    private Multi<ChatEvent> answer(AnswerDecoder decoder) {
        return client.post(turn, "/api/chat", new QuestionBody(Buffer.buffer("{}")), Map.of(), Resend.NEVER, _ -> {
            if (decoder == null) {
                throw new Traceless();
            }
            return decoder;
        });
    }

    @Test
    void ofADecoder() {
        List<ChatEvent> events = all(answer(new AnswerDecoder() {
            @Override
            public void decode(String event, String data, List<ChatEvent> out) {
                throw new Traceless();
            }

            @Override
            public void ended(List<ChatEvent> out) {
                throw new Traceless();
            }

            @Override
            public void broken(List<ChatEvent> out) {
                throw new Traceless();
            }
        }));

        assertThat(((Ended) events.getLast()).failure().code()).isEqualTo(Failure.Code.UPSTREAM_PROTOCOL);
    }

    @Test
    void ofWhateverElseRunsOnTheEventLoop() {
        Multi<ChatEvent> answer = answer(null);

        assertThatThrownBy(() -> answer.collect().asList().await().atMost(SOON)).isInstanceOf(Traceless.class);
    }

    @Test
    void ofARunThatIsReadAgain() {
        Multi<ChatEvent> again = client.reread(turn, "/again", new RunFollower.Run(new EventHashChain(), Set.of(),
                () -> new AgentsDecoder(new PartBoundaries(), Mode.CLASSIC, true), null, StreamLifetime.ENDLESS, () -> {
                    throw new Traceless();
                }, (_, _) -> null));

        assertThatThrownBy(() -> again.collect().asList().await().atMost(SOON)).isInstanceOf(Traceless.class);
    }
}
