package io.chatrelay.support.clients;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Programs of the machine that some tests need. Without one they are skipped, unless {@code CHAT_RELAY_REQUIRE_<NAME>=true} insists on it. */
public enum Installed {

    CURL("curl"),
    CHROMIUM("chromium", "chromium-browser", "google-chrome"),
    NGINX("nginx"),
    PROMETHEUS("prometheus"),
    PROMTOOL("promtool");

    private final List<String> names;

    Installed(String... names) {
        this.names = List.of(names);
    }

    /** Where the program is. */
    public String require() {
        return find().map(Path::toString).orElseGet(() -> {
            String missing = "there is no '%s' on the path: 'apt-get install %s' on Debian".formatted(names.getFirst(),
                    this == PROMTOOL ? PROMETHEUS.names.getFirst() : names.getFirst());
            if (Boolean.parseBoolean(System.getenv("CHAT_RELAY_REQUIRE_" + name()))) {
                fail(missing);
            }
            return abort(missing);
        });
    }

    /** Where the program is, if it is installed. */
    public Optional<Path> find() {
        // Debian keeps servers where only root looks.
        List<String> folders = Stream.concat(Arrays.stream(System.getenv("PATH").split(":")), Stream.of("/usr/sbin")).toList();
        return names.stream().flatMap(name -> folders.stream().map(folder -> Path.of(folder, name)))
                .filter(Files::isExecutable).findFirst();
    }
}
