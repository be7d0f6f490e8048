package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.ApiDocument;
import io.chatrelay.support.ApiDocument.Operation;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Every call of the OpenAPI document by every kind of caller: whoever may not is told so by the right status and body, and learns nothing else. */
@QuarkusTest
class AccessMatrixTest extends ServiceTest {

    private static final Pattern NEEDED = Pattern.compile("role that is needed: ([a-z ]+)");
    private static final List<String> ROLES = List.of("chat", "approve", "operate");
    private static final Set<Integer> DENIED = Set.of(401, 403);
    /** A conversation that nobody has. */
    private static final String NOBODYS = "nobodys";
    private static final String NOBODYS_ID = "0198c0de-0000-7000-8000-000000000000";

    private ApiDocument document;

    @TestFactory
    Stream<DynamicTest> everyCall() {
        document = new ApiDocument(relay().get("/q/openapi?format=JSON").json());
        assertThat(document.operations()).hasSizeGreaterThan(15);
        return document.operations().stream().flatMap(call -> Stream.of(
                test(call, "without a key", () -> strangers(call)),
                test(call, "without its role", () -> rolesOf(call)),
                test(call, "by another tenant", () -> otherTenant(call))));
    }

    private static DynamicTest test(Operation call, String by, Executable what) {
        return DynamicTest.dynamicTest("%s %s %s".formatted(call.method(), call.path(), by), what);
    }

    private void strangers(Operation call) {
        Relay none = relay().with("authorization", null);
        Map<String, String> seen = new TreeMap<>();
        Map.of("none", none, "unknown", new Relay(base, "unknown"), "empty", none.with("authorization", "Bearer "), "basic",
                none.with("authorization", "Basic ZGV2OmRldi1rZXk="), "a digest instead of its key",
                new Relay(base, "7e9f8fd111802be56c379d597842e29b2cebd35ff2133d431a49fa556a18704e")).forEach((who, caller) -> {
                    Relay.Answer answer = ask(caller, call, NOBODYS);
                    assertDocumented(call, answer, 401, "unauthorized");
                    assertThat(answer.header("www-authenticate")).as(who).startsWith("Bearer realm=\"chat-relay\"");
                    seen.put(who, withoutRequest(answer.body()));
                });
        assertThat(Set.copyOf(seen.values())).as("which key it was not is nobody's business").hasSize(1);
    }

    private void rolesOf(Operation call) {
        List<String> needed = needed(call);
        for (String role : ROLES) {
            String conversation = conversation();
            Relay.Answer answer = ask(new Relay(base, role + "-key"), call, conversation);
            if (needed.contains(role)) {
                assertThat(answer.status()).as(answer.body()).isNotIn(DENIED).isLessThan(500);
                assertThat(undocumented(call, answer)).isEmpty();
            } else {
                assertDocumented(call, answer, 403, "forbidden");
                assertThat(answer.body()).as("the role that is missing").contains(needed.getFirst());
            }
        }
    }

    /** What is another tenant's is answered as what there is not. */
    private void otherTenant(Operation call) {
        String theirs = conversation();
        String none = "none-" + UUID.randomUUID();
        Relay.Answer ofTheirs = ask(other(), call, theirs);
        Relay.Answer ofNone = ask(other(), call, none);

        assertThat(ofTheirs.status()).isEqualTo(ofNone.status());
        assertThat(alike(ofTheirs.body(), theirs)).isEqualTo(alike(ofNone.body(), none));
        assertThat(names(ofTheirs)).isEqualTo(names(ofNone));
        if (call.path().contains("/conversations/{id}")) {
            assertDocumented(call, ofTheirs, 404, "not_found");
        }
        assertThat(relay().get(Relay.CONVERSATIONS + "/" + theirs + "/messages").json().path("data"))
                .as("it is as it was").hasSize(2);
    }

    /** A conversation of the tenant {@code dev} that has been answered. */
    private String conversation() {
        return relay().send(Relay.CHAT, Json.ask(newId(), "echo one")).toEnd().conversation();
    }

    private List<String> needed(Operation call) {
        JsonNode forbidden = document.resolved(call.responses().path("403"));
        Matcher roles = NEEDED.matcher(forbidden.path("description").asText());
        assertThat(roles.find()).as("the document says which role %s %s needs", call.method(), call.path()).isTrue();
        return Arrays.asList(roles.group(1).strip().split(" or "));
    }

    private Relay.Answer ask(Relay caller, Operation call, String conversation) {
        String path = call.path().replace("{id}", call.path().contains("conversations") || call.path().contains("chat")
                ? conversation
                : call.path().contains("models") ? "agents" : NOBODYS_ID).replace("{message}", NOBODYS_ID);
        if (call.path().equals(ApiDocument.ENDLESS)) {
            try (Sse stream = caller.read(path)) {
                return stream.status() == 200 ? stream.head() : stream.whole();
            }
        }
        if (call.body().isMissingNode()) {
            return caller.answer(call.method(), path, BodyPublishers.noBody());
        }
        return caller.with("content-type", "application/json").answer(call.method(), path,
                BodyPublishers.ofString(body(call, conversation).toString()));
    }

    /** The document's first example, about this conversation. */
    private static ObjectNode body(Operation call, String conversation) {
        ObjectNode body = call.examples().isEmpty() ? Json.object() : call.examples().getFirst().deepCopy();
        Optional.of("conversationId").filter(body::has).ifPresent(name -> body.put(name, conversation));
        if (body.has("turnId")) {
            body.remove("turnId");
        }
        return body.has("messages") ? body.put("stream", false) : body;
    }

    private void assertDocumented(Operation call, Relay.Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.json().path("code").asText()).isEqualTo(code);
        assertThat(undocumented(call, answer)).isEmpty();
    }

    private List<String> undocumented(Operation call, Relay.Answer answer) {
        return document.undocumented(call, answer.status(), answer.header("content-type").replaceAll(";.*", "").strip(),
                answer.body());
    }

    private static String alike(String body, String conversation) {
        return withoutRequest(body).replace(conversation, "<conversation>")
                .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>")
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z|(?<=\"created\":)\\d+|\\d{13}|(?<=token=)[\\w-]+", "<time>");
    }

    private static String withoutRequest(String body) {
        return body.replaceAll("\"requestId\":\"[^\"]*\"", "");
    }

    /** Without what is said of the connection. */
    private static Set<String> names(Relay.Answer answer) {
        return answer.headers().map().keySet().stream().filter(name -> !name.equals("connection"))
                .collect(Collectors.toUnmodifiableSet());
    }
}
