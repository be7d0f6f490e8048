package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.logging.Audit;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.access.TestIssuer;
import io.chatrelay.support.access.TestIssuer.Algorithm;
import io.quarkus.test.junit.QuarkusTest;

/** The audit log tells who decided, erased and was refused, and no secret. */
@QuarkusTest
class AuditTest extends ApprovalsTest {

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord logged) {
            lines.add(new SimpleFormatter().formatMessage(logged));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        Logger.getLogger(Audit.CATEGORY).addHandler(handler);
    }

    @AfterEach
    void stop() {
        Logger.getLogger(Audit.CATEGORY).removeHandler(handler);
    }

    private List<String> about(String id) {
        return lines.stream().filter(line -> line.contains(id)).toList();
    }

    @Test
    void aDecisionIsOneLineWhoeverMadeItAndARepeatIsNone() {
        Waiting waiting = waiting(ONE);
        String secret = "reason-" + mark();

        relay().post(DECIDE, waiting.decision(0, false).put("reason", secret).put("user", "ann \"of\" x=y"));
        relay().post(DECIDE, waiting.decision(0, false).put("reason", secret));
        new Relay(base, "chat-key").post(DECIDE, waiting.decision(0, false));

        assertThat(about(" conversation=" + waiting.conversation())).singleElement().asString()
                .startsWith("decision state=denied approval=" + waiting.approvals().getFirst().path("id").asText() + " turn=")
                .endsWith(" call=%s tool=delete_file tenant=dev caller=dev user=\"ann \\u{22}of\\u{22} x=y\""
                        .formatted(waiting.call(0)));
        assertThat(lines).noneMatch(line -> line.contains(secret));
    }

    @Test
    void whoIsRefusedIsALineWithTheReason() {
        String mark = mark();
        String path = CONVERSATIONS + "/" + mark;
        String token = "token-" + mark();
        JwtClaims nameless = TestIssuer.INSTANCE.claims("shop", "dev", "chat");
        nameless.unsetClaim("tenant");
        JwtClaims expired = TestIssuer.INSTANCE.claims("shop", "dev", "chat");
        TestIssuer.expire(expired);
        List<String> bearers = List.of("no-such-key-" + mark, TestIssuer.INSTANCE.sign(Algorithm.RS256, nameless),
                TestIssuer.INSTANCE.sign(Algorithm.ES256, expired));

        relay().with("authorization", null).get(path);
        bearers.forEach(bearer -> new Relay(base, bearer).get(path));
        relay().with("authorization", null).get(path + "?token=" + token);
        relay().with("authorization", null).get(path + "/stream?token=" + token);
        new Relay(base, "approve-key").get(path);

        List<String> refused = lines.stream().filter(line -> line.contains("path=/run/v1/conversations/{id}")).toList();
        assertThat(refused).hasSize(7).allMatch(line -> line.startsWith("refused status=40"));
        assertThat(refused).extracting(line -> line.replaceAll(".* reason=(\\w+) .*", "$1")).containsExactly(
                "credential_missing", "key_unknown", "claim_missing", "token_invalid", "stream_token_misplaced",
                "stream_token_invalid", "forbidden");
        assertThat(refused.getLast()).matches("refused status=403 reason=forbidden method=GET"
                + " path=/run/v1/conversations/\\{id} tenant=dev caller=approver request=\\S+");
        assertThat(lines).noneMatch(line -> line.contains(token) || line.contains("no-such-key") || line.contains("approve-key")
                || bearers.stream().anyMatch(line::contains));
    }

    @Test
    void aDecisionThatIsNotAllowedIsARefusalByBothDoors() {
        Waiting waiting = waiting(ONE);

        new Relay(base, "chat-key").post(DECIDE, waiting.decision(0, true));
        new Relay(base, "chat-key").post(CHAT, Json
                .of("{'messages':[{'role':'assistant','parts':[{'type':'dynamic-tool','toolName':'a',"
                        + "'toolCallId':'%s','state':'approval-responded','approval':{'id':'a','approved':true}}]}]}"
                                .formatted(waiting.call(0)))
                .put("id", waiting.conversation()));

        assertThat(about("caller=chatter")).hasSize(2)
                .allMatch(line -> line.startsWith("refused status=403 reason=forbidden method=POST path="));
        relay().post(DECIDE, waiting.decision(0, false));
    }

    @Test
    void anErasureIsALine() {
        String conversation = relay().send(CHAT, Json.ask(newId(), "echo one")).toEnd().conversation();

        relay().delete(CONVERSATIONS + "/" + conversation);
        relay().delete(CONVERSATIONS + "/" + conversation);

        assertThat(about(conversation)).containsExactly("erased conversation=%s tenant=dev caller=dev".formatted(conversation));
    }
}
