package io.chatrelay.support.it;

import java.nio.file.Files;
import java.nio.file.Path;

import io.chatrelay.dev.InkeepEmulator;
import io.vertx.core.Vertx;

/**
 * The packaged service's classes as a process had them that served some turns (JEP 514), made once for all processes of a test run: with
 * them they start in half the time, and most of what these tests do is to start it.
 */
final class AotCache {

    private static final Path FILE = Path.of("target", "relay-%d.aot".formatted(ProcessHandle.current().pid()));
    private static boolean made;

    private AotCache() {}

    static synchronized Path get() {
        if (!made) {
            make();
            made = true;
        }
        return FILE;
    }

    private static void make() {
        Vertx vertx = Vertx.vertx();
        try (InkeepEmulator inkeep = new InkeepEmulator(vertx).listen(0);
                RelayProcess relay = RelayProcess.on(TestPostgres.fresh(), inkeep).uncached().jvm("-XX:AOTCacheOutput=" + FILE)
                        .start()) {
            RelayClient client = new RelayClient(relay);
            for (String upstream : new String[]{ "agents", "cloud" }) {
                client.chat(upstream, "trained-" + upstream, "words 5").awaitEnd();
            }
            relay.terminate();
            // It is written on its way out.
            relay.exitCode();
            if (!Files.exists(FILE)) {
                throw new IllegalStateException("No cache was written: " + relay.output());
            }
            FILE.toFile().deleteOnExit();
        } finally {
            vertx.close();
        }
    }
}
