package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;

/** A frame that is small on the line and large in the heap ends its turn, which says so. */
class HugeFrameTest {

    private static final int MANY = 250_000;

    @ParameterizedTest
    @ValueSource(strings = { "{}", "[]", "0" })
    void ofCloudIsNotMadeATree(String value) {
        List<ChatEvent> events = new ArrayList<>();

        new CloudDecoder().decode(null, "{\"id\":\"a\",\"choices\":[],\"x\":[%s0]}".formatted((value + ",").repeat(MANY)),
                events);

        assertThat(events).last().isInstanceOfSatisfying(Ended.class, end -> {
            assertThat(end.failure().code()).isEqualTo(Failure.Code.UPSTREAM_PROTOCOL);
            assertThat(end.failure().message()).contains("too many values");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = { "{}", "[]", "0" })
    void inOnePieceIsNotMadeATree(String value) {
        List<ChatEvent> events = new ArrayList<>();

        WholeAnswer.decode("{\"object\":\"chat.completion\",\"choices\":[{\"message\":{\"content\":\"x\"}}],\"x\":[%s0]}"
                .formatted((value + ",").repeat(MANY)), events);

        assertThat(events).last().isInstanceOfSatisfying(Ended.class,
                end -> assertThat(end.failure().code()).isEqualTo(Failure.Code.UPSTREAM_PROTOCOL));
    }
}
