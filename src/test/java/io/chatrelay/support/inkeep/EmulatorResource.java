package io.chatrelay.support.inkeep;

import java.util.Map;

import io.chatrelay.dev.InkeepEmulator;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.vertx.core.Vertx;

/** An emulator beside the service. A test's profile refers to it as <code>${chatrelay-test.emulator}</code>. */
public class EmulatorResource implements QuarkusTestResourceLifecycleManager {

    public static final String ADDRESS = "chatrelay-test.emulator";

    private Vertx vertx;
    private InkeepEmulator emulator;

    @Override
    public Map<String, String> start() {
        vertx = Vertx.vertx();
        emulator = new InkeepEmulator(vertx).listen(0);
        return Map.of(ADDRESS, "http://localhost:" + emulator.port());
    }

    @Override
    public void stop() {
        if (emulator != null) {
            emulator.close();
            vertx.close();
        }
    }
}
