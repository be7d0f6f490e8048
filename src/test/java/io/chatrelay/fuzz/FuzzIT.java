package io.chatrelay.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** A short run of the fuzzer: {@code bench/fuzz} runs it at length. */
@Order(15)
class FuzzIT {

    private static final int REQUESTS = 300;

    @Test
    void everyRequestGetsADocumentedAnswerThatIsNoDefect() throws Exception {
        assertThat(Fuzz.run(REQUESTS, 1)).isEmpty();
    }
}
