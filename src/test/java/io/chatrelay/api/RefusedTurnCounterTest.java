package io.chatrelay.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;

import org.junit.jupiter.api.Test;

import io.chatrelay.event.ChatException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

class RefusedTurnCounterTest {

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final RefusedTurnCounter refusals = new RefusedTurnCounter(metrics);

    private double counted(String reason) {
        return metrics.get("chat.relay.turns.refused").tag("reason", reason).counter().count();
    }

    @Test
    void areCountedByReason() {
        refusals.count(ChatException.unavailable("It stops.", 1));
        refusals.count(ChatException.breakerOpen("agents", 7));
        refusals.count(ChatException.overloaded("It is late.", 1));
        refusals.count(new IllegalStateException(new SQLException("gone", "08006")));
        refusals.count(new IllegalStateException(new SQLException("gone", "08006")));

        assertThat(counted("replica")).isEqualTo(1);
        assertThat(counted("database")).isEqualTo(2);
        assertThat(counted("breaker")).isEqualTo(1);
        assertThat(counted("load")).isEqualTo(1);
    }

    @Test
    void areNoOthers() {
        refusals.count(ChatException.invalid("messages", "is empty"));
        refusals.count(new NullPointerException());

        assertThat(counted("replica") + counted("database")).isZero();
    }
}
