package io.chatrelay.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** A short run of the crash test: one fault of each kind, and a few callers. */
@Order(16)
class CrashIT {

    @Test
    void nothingIsLostWhenEverythingIsKilledStoppedAndPausedOnce() throws Exception {
        assertThat(CrashTest.run(new Options(10, 1, 4, List.of(), false))).isEmpty();
    }
}
