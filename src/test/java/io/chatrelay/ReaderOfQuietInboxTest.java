package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;

import org.junit.jupiter.api.Test;

import io.chatrelay.support.FastHeartbeat;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.access.TestIssuer;
import io.chatrelay.support.access.TestIssuer.Algorithm;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;

/** Where nothing happens, whoever watches the inbox is told that the connection lives. */
@QuarkusTest
@TestProfile(FastHeartbeat.class)
class ReaderOfQuietInboxTest extends ServiceTest {

    @Test
    void isToldThatTheConnectionLives() {
        Relay nobodys = new Relay(base,
                TestIssuer.INSTANCE.sign(Algorithm.RS256, TestIssuer.INSTANCE.claims("console", newId(), "approve")));

        try (Sse stream = nobodys.read("/run/v1/tool-approvals/stream")) {
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> stream.comments().stream().filter("keep-alive"::equals).count() >= 2);

            assertThat(stream.events()).as("a heartbeat is no event").extracting("name").containsExactly("listed");
        }
    }
}
