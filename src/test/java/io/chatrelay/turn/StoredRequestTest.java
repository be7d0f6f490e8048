package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

import io.chatrelay.event.RawJson;

class StoredRequestTest {

    @Test
    void whatWasAskedComesBackLetterByLetter() {
        StoredRequest asked = new StoredRequest(
                Map.of("max_tokens", new RawJson("1.50E2"), "properties", new RawJson("{ \"a\" : \"\\u0000 \\ud83d \ud83e\" }"),
                        "n\u0000", RawJson.NULL),
                Map.of("traceparent", "00-\"1\"", "baggage", "a=\tb"));

        String stored = asked.write();

        assertThat(StoredRequest.read(stored)).contains(asked);
        assertThat(stored).as("what a text column refuses").doesNotContain("\u0000", "\ud83e");
    }

    @Test
    void nothingAskedIsNotNothingStored() {
        assertThat(StoredRequest.read(new StoredRequest(Map.of(), Map.of()).write()))
                .contains(new StoredRequest(Map.of(), Map.of()));
        assertThat(StoredRequest.read(null)).isEmpty();
    }

    @Test
    void whatALaterVersionAddsDoesNotMatter() {
        for (String added : List.of("{\"a\":\"b\"}", "7", "null", "[{\"headers\":{}}]", "{\"a\":{\"b\":[1]},\"c\":2}")) {
            assertThat(StoredRequest.read("{\"new\":%s,\"headers\":{\"n\":{\"h\":\"w\"},\"h\":\"v\"}}".formatted(added)))
                    .as(added)
                    .contains(new StoredRequest(Map.of(), Map.of("h", "v")));
        }
    }
}
