package io.chatrelay.dev;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;

/** Whether a container engine answers on this machine: asked without a client library, so that asking costs nothing. */
final class ContainerEngine {

    private ContainerEngine() {}

    static boolean isRunning() {
        String host = System.getenv("DOCKER_HOST");
        if (host != null && !host.isBlank()) {
            return !host.startsWith("unix://") || accepts(Path.of(host.substring("unix://".length())));
        }
        String home = System.getProperty("user.home");
        String runtime = System.getenv().getOrDefault("XDG_RUNTIME_DIR", "/run/user/none");
        return List.of(Path.of("/var/run/docker.sock"), Path.of(home, ".docker/run/docker.sock"),
                Path.of(runtime, "docker.sock"), Path.of(runtime, "podman/podman.sock")).stream()
                .anyMatch(ContainerEngine::accepts);
    }

    private static boolean accepts(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
