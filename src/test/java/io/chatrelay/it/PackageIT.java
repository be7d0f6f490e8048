package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;

import io.chatrelay.build.DevLeftovers;

/** What is packaged. */
class PackageIT {

    @Test
    void theServiceHoldsNothingOfDevMode() throws IOException {
        assertThat(DevLeftovers.in(Path.of("target/quarkus-app"))).isEmpty();
    }
}
