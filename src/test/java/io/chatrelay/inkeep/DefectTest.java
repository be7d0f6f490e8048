package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.stream;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.Turn;
import io.chatrelay.devmode.Recording;
import io.smallrye.mutiny.Multi;

/** Whoever reads an answer and has a defect is told of it at once: a turn that is not would wait for its silence time-out. */
class DefectTest {

    private static final String ANSWER = Recording.load("agents/01-chat-plain-stream").body();

    private final Turn turn = ScriptedInkeep.turn();
    private ScriptedInkeep inkeep;

    @BeforeEach
    void start() throws Exception {
        inkeep = new ScriptedInkeep();
    }

    @AfterEach
    void stop() {
        inkeep.close();
    }

    /** As a virtual machine throws what it has thrown often: without a trace. */
    private static final class Traceless extends NullPointerException {
        private static final long serialVersionUID = 1;

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    /** Reads two events, and has a defect at the third. */
    private static Throwable failureOf(Multi<ChatEvent> answer) throws Exception {
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        answer.subscribe().withSubscriber(new Flow.Subscriber<ChatEvent>() {
            private Flow.Subscription subscription;
            private int read;

            @Override
            public void onSubscribe(Flow.Subscription given) {
                subscription = given;
                given.request(1);
            }

            @Override
            public void onNext(ChatEvent event) {
                if (++read == 3) {
                    throw new Traceless();
                }
                subscription.request(1);
            }

            @Override
            public void onError(Throwable thrown) {
                failure.complete(thrown);
            }

            @Override
            public void onComplete() {
                failure.complete(new AssertionError("it went on"));
            }
        });
        return failure.get(SOON.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void ofAnAnswer() throws Exception {
        inkeep.on("POST /run/api/chat", stream(ANSWER, false));

        assertThat(failureOf(inkeep.upstream().run(question(turn, "hi")).answer())).isInstanceOf(Traceless.class);
    }

    @Test
    void ofARunThatIsReadAgain() throws Exception {
        inkeep.on("GET /run/v1/conversations/" + turn.conversation() + "/stream", stream(ANSWER, false));
        List<ChatEvent> events = new ArrayList<>();
        RecordedAnswer.read(ANSWER, 4096, RecordedAnswer.agents(null), events);

        assertThat(failureOf(inkeep.upstream().resume(turn, Map.of(), events.subList(0, 2), false).orElseThrow().answer()))
                .isInstanceOf(Traceless.class);
    }
}
