package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Java programs as processes of their own, by the JDK that runs this one. */
final class Jvm {

    private static final int MILLIS_BETWEEN_LOOKS = 50;

    private Jvm() {}

    /** Starts one, and waits until it listens on that port. */
    static Process listening(int port, String name, List<String> arguments) throws IOException, InterruptedException {
        Path log = Path.of("target", name + ".log");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(Stream.concat(Stream.of(java), arguments.stream()).toList())
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        while (true) {
            try (Socket _ = new Socket("127.0.0.1", port)) {
                return process;
            } catch (IOException e) {
                if (!process.isAlive()) {
                    throw new IOException("It did not start, see " + log, e);
                }
                TimeUnit.MILLISECONDS.sleep(MILLIS_BETWEEN_LOOKS);
            }
        }
    }
}
