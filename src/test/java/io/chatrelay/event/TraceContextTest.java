package io.chatrelay.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What of a trace is stored with a turn. */
class TraceContextTest {

    private static final String PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    @Test
    void isReadBackAsItWasStored() {
        for (TraceContext trace : new TraceContext[]{ new TraceContext(PARENT, null),
                new TraceContext(PARENT, "rojo=00f067aa0ba902b7,congo=t61 rcWkgMzE") }) {
            assertThat(TraceContext.read(trace.stored())).isEqualTo(trace);
        }
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = { "", " ", "00", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", PARENT + "\n",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", PARENT + " \r\nx-injected: 1", PARENT + " " })
    void isNoneIfItCannotBeUnderstood(String stored) {
        assertThat(TraceContext.read(stored)).isNull();
    }

    @Test
    void hasNoParentThatIsNotValid() {
        assertThatIllegalArgumentException().isThrownBy(() -> new TraceContext("00-1-2-3", null));
    }

    @Test
    void hasNoStateThatIsTooLong() {
        assertThat(new TraceContext(PARENT, "a=" + "b".repeat(510)).tracestate()).hasSize(512);
        assertThat(new TraceContext(PARENT, "a=" + "b".repeat(511)).tracestate()).isNull();
        assertThat(new TraceContext(PARENT, "").tracestate()).isNull();
    }
}
