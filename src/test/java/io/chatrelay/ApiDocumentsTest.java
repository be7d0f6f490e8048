package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Relay;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.sse.StreamDocument;
import io.quarkus.test.junit.QuarkusTest;

/** The descriptions of the calls and of the streams. That every event is as described is looked at wherever a test reads a stream ({@code Sse}). */
@QuarkusTest
class ApiDocumentsTest extends ServiceTest {

    static Stream<String> messages() {
        return StreamDocument.document().at("/components/messages").propertyStream().map(each -> each.getKey());
    }

    @Test
    void publicValidatorsFindNothingWrong(@TempDir Path folder) throws IOException {
        Path calls = Files.writeString(folder.resolve("openapi.json"), relay().get("/q/openapi?format=JSON").body());
        Path streams = Files.writeString(folder.resolve("asyncapi.yaml"), relay().get("/q/asyncapi").body());
        Path wrong = Files.writeString(folder.resolve("wrong.yaml"),
                Files.readString(streams).replace("#/components/messages/chunk", "#/components/messages/chunks"));

        JsonNode said = Node.run("documents.mjs", calls.toString(), streams.toString());

        assertThat(said.path("version").asText()).isEqualTo("3.1");
        assertThat(said.path("openapi")).isEmpty();
        assertThat(said.path("asyncapi")).isEmpty();
        assertThat(Node.run("documents.mjs", calls.toString(), wrong.toString()).path("asyncapi")).isNotEmpty();
    }

    @Test
    void whoeverIsGoingToCallMayReadIt() {
        Relay.Answer answer = relay().with("authorization", null).get("/q/asyncapi");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).startsWith("application/vnd.aai.asyncapi+yaml");
        assertThat(answer.body()).contains("asyncapi: 3.0.0", "/run/v1/chat/completions");
    }

    @ParameterizedTest
    @MethodSource("messages")
    void eachExampleIsOne(String message) {
        List<JsonNode> examples = StreamDocument.document().at("/components/messages/%s/examples".formatted(message))
                .valueStream().toList();

        assertThat(examples).isNotEmpty().allSatisfy(
                example -> assertThat(StreamDocument.violations(message, example.path("payload").toString())).isEmpty());
    }

    @ParameterizedTest
    @MethodSource("messages")
    void eachIsToldByAChannel(String message) {
        String reference = "#/components/messages/" + message;

        assertThat(StreamDocument.document().path("channels").valueStream()
                .flatMap(channel -> channel.path("messages").valueStream()).map(told -> told.path("$ref").asText()))
                .contains(reference);
    }

    @ParameterizedTest
    @ValueSource(strings = { "{\"type\":\"text-delta\",\"id\":\"t1\"}", "{\"type\":\"text-delta\",\"id\":1,\"delta\":\"\"}",
            "{\"type\":\"text-delta\",\"id\":\"t1\",\"delta\":\"\",\"more\":1}", "{\"type\":\"text-start\",\"id\":\"t1\"}" })
    void whatIsNotAsDescribedIsFound(String payload) {
        assertThat(StreamDocument.violations("textDelta", payload)).isNotEmpty();
    }
}
