package io.chatrelay.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/**
 * A short run of the crash test, with a few callers: one fault of each kind but for those that a test of its own waits for as long (SIGTERM, and a
 * database that is stopped or freezes).
 */
@Order(16)
class CrashIT {

    private static final List<String> KINDS = List.of("Kill", "KillWhileCommitting", "KillDatabase", "Pause", "Hiccup",
            "TakeLease");

    @Test
    void nothingIsLostWhenEverythingIsKilledAndPausedOnce() throws Exception {
        assertThat(CrashTest.run(new Options(KINDS.size(), 1, 4, KINDS, false))).isEmpty();
    }
}
