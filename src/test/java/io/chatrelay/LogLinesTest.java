package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Stream;

import org.jboss.logmanager.ExtLogRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.logging.LogIds;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** An operator finds all lines of a request or of a turn by its id, whatever else is done at the same time. */
@QuarkusTest
class LogLinesTest extends ServiceTest {

    private record Line(String text, String request, String turn, String conversation) {}

    private static final Formatter FORMATTER = new SimpleFormatter();

    private final List<Line> lines = new CopyOnWriteArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord logged) {
            ExtLogRecord line = ExtLogRecord.wrap(logged);
            lines.add(new Line(FORMATTER.formatMessage(logged), line.getMdc(LogIds.REQUEST), line.getMdc(LogIds.TURN),
                    line.getMdc(LogIds.CONVERSATION)));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        Logger.getLogger("").addHandler(handler);
    }

    @AfterEach
    void stop() {
        Logger.getLogger("").removeHandler(handler);
    }

    private List<Line> about(String id) {
        return lines.stream().filter(line -> line.text().contains(id)).toList();
    }

    private void assertOwnIds(Sse turn) {
        await().untilAsserted(() -> assertThat(about(turn.turn())).extracting(Line::text)
                .anyMatch(text -> text.contains(" ended: ")));
        assertThat(about(turn.turn())).allSatisfy(line -> {
            assertThat(line.turn()).as(line.text()).isEqualTo(turn.turn());
            assertThat(line.conversation()).as(line.text()).isEqualTo(turn.conversation());
        });
        assertThat(lines.stream().filter(line -> turn.turn().equals(line.turn()) && line.text().startsWith("turn ")))
                .as("no line of another turn has its ids").allMatch(line -> line.text().contains(turn.turn()));
    }

    @Test
    void turnsThatFailAtTheSameTimeHaveTheirOwnIdsInEveryLine() throws Exception {
        List<Callable<Sse>> asked = Stream.of("lost", "malformed", "lost", "cut 3", "malformed", "echo hi")
                .flatMap(text -> Stream.of("agents", "cloud").<Callable<Sse>>map(upstream -> () -> relay().send(CHAT,
                        Json.ask(newId(), text + " " + mark()).put("model", upstream)).toEnd()))
                .toList();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Sse> turn : threads.invokeAll(asked)) {
                assertOwnIds(turn.get());
            }
        }

        assertThat(lines).extracting(Line::text).anyMatch(text -> text.contains("broke before an answer"));
    }

    @Test
    void aLineOfARequestThatBeginsATurnHasTheIdsOfBothAndItsTurnRunsWithoutTheRequests() {
        String request = "of-" + mark();
        Sse turn = relay().with("x-request-id", request).send(CHAT, Json.ask(newId(), "echo hi")).toEnd();

        assertOwnIds(turn);
        assertThat(about(": request=" + request)).singleElement().satisfies(line -> {
            assertThat(line.request()).isEqualTo(request);
            assertThat(line.turn()).isEqualTo(turn.turn());
        });
        assertThat(about(turn.turn())).filteredOn(line -> !line.text().contains(": request="))
                .allSatisfy(line -> assertThat(line.request()).as(line.text()).isNull());
    }

    @Test
    void aLineOfARequestHasItsId() {
        String request = "of-" + mark();
        Relay.Answer refused = relay().with("x-request-id", request).get("/run/test/broken");

        assertThat(refused.status()).isEqualTo(500);
        assertThat(about(request)).isNotEmpty().allSatisfy(line -> {
            assertThat(line.request()).isEqualTo(request);
            assertThat(line.turn()).isNull();
        });
    }

    @Test
    void aCancelIsLoggedWithTheTurnsIdsOnly() {
        String mark = mark();
        Sse turn = relay().send(CHAT, Json.ask(newId(), "slow 250 " + mark)).until(2);

        relay().with("x-request-id", "of-" + mark).post(CONVERSATIONS + "/" + turn.conversation() + "/cancel", Json.of("{}"));
        turn.toEnd();

        assertOwnIds(turn);
        assertThat(about(" ended: conversation=" + turn.conversation())).singleElement()
                .satisfies(line -> assertThat(line.request()).isNull());
    }
}
