package io.chatrelay.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Objects;
import java.util.UUID;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Turn;
import io.quarkiverse.resteasy.problem.HttpProblem;

/** What a caller is told of a turn that did not complete, before anything else of it. */
class ProblemsTest {

    private static final Turn TURN = new Turn(UUID.randomUUID(), "dev", "dev", UUID.randomUUID(), "demo", 3, "cloud", "cloud",
            UUID.randomUUID(), Instant.EPOCH);

    @ParameterizedTest
    @CsvSource({ "REPLICA_LOST, , false, 503, 1", "UPSTREAM_RATE_LIMITED, 7, false, 429, 7", "UPSTREAM_CUT, , false, 502, ",
            "REPLICA_LOST, , true, 502, ", "UPSTREAM_RATE_LIMITED, 7, true, 429, ", "UPSTREAM_TIMEOUT, , true, 504, " })
    void saysWhetherARepeatHelps(Failure.Code code, Long retryAfter, boolean begun, int status, String toldToComeAfter) {
        HttpProblem problem = Problems.of(TURN, Ended.failed(new Failure(code, "It broke off", retryAfter)), begun);

        assertThat(problem.getStatusCode()).isEqualTo(status);
        assertThat(problem.getParameters()).containsEntry("code", code.wireName());
        assertThat(problem.getHeaders().get("x-should-retry")).isEqualTo(begun ? "false" : null);
        assertThat(Objects.toString(problem.getHeaders().get("retry-after"), null)).isEqualTo(toldToComeAfter);
        if (begun) {
            assertThat(problem.getDetail()).startsWith("It broke off. The turn keeps its Idempotency-Key");
        } else {
            assertThat(problem.getDetail()).isEqualTo("It broke off");
        }
    }
}
