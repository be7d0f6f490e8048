package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.awaitility.Awaitility;

import io.chatrelay.support.clients.Docs;
import io.chatrelay.support.clients.Installed;

/** An nginx in front of the service, configured as the documentation says, or to do no more than to pass on. */
public final class Nginx implements AutoCloseable {

    private final Path folder;
    private final int port;
    private final Process process;

    private Nginx(Path folder, int port, Process process) {
        this.folder = folder;
        this.port = port;
        this.process = process;
    }

    /** @param changes what of the documented configuration is replaced by what, beside ports and paths */
    public static Nginx before(URI service, Map<String, String> changes) throws IOException {
        Path folder = folder();
        int port = FreePort.find();
        String documented = Docs.files("proxies.md").get("chat-relay.conf");
        documented = replace(documented, "server 127.0.0.1:8080;", "server %s;".formatted(service.getAuthority()));
        documented = replace(documented, "listen 8000;", "listen 127.0.0.1:%d;".formatted(port));
        documented = replace(documented, "/var/log/nginx/", folder + "/");
        for (Map.Entry<String, String> change : changes.entrySet()) {
            documented = replace(documented, change.getKey(), change.getValue());
        }
        return start(folder, port, documented, "1", 256);
    }

    /** It passes requests and streams on, over kept connections, and does nothing else. */
    public static Nginx passing(URI upstream) throws IOException {
        Path folder = folder();
        int port = FreePort.find();
        return start(folder, port, """
                upstream passed {
                    server %s;
                    keepalive 1000;
                }
                server {
                    listen 127.0.0.1:%d;
                    location / {
                        proxy_pass http://passed;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_buffering off;
                    }
                }
                """.formatted(upstream.getAuthority(), port), "auto", 8192);
    }

    private static Path folder() throws IOException {
        Path folder = Files.createTempDirectory("chat-relay-nginx").toAbsolutePath();
        // Started by root, its workers are another user's.
        return Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Nginx start(Path folder, int port, String server, String workers, int connections) throws IOException {
        String program = Installed.NGINX.require();
        Files.writeString(folder.resolve("chat-relay.conf"), server);
        Files.writeString(folder.resolve("nginx.conf"), """
                daemon off;
                worker_processes %2$s;
                pid %1$s/nginx.pid;
                error_log %1$s/error.log;
                events { worker_connections %3$d; }
                http {
                    access_log off;
                    client_body_temp_path %1$s/body;
                    proxy_temp_path %1$s/proxy;
                    fastcgi_temp_path %1$s/fastcgi;
                    uwsgi_temp_path %1$s/uwsgi;
                    scgi_temp_path %1$s/scgi;
                    include %1$s/chat-relay.conf;
                }
                """.formatted(folder, workers, connections));
        Process process = new ProcessBuilder(program, "-p", folder.toString(), "-e", folder + "/start.log", "-c",
                folder + "/nginx.conf").redirectErrorStream(true).redirectOutput(folder.resolve("output.log").toFile()).start();
        return new Nginx(folder, port, process).awaitListening();
    }

    private static String replace(String text, String what, String by) {
        if (!text.contains(what)) {
            throw new AssertionError("the documented configuration has no '%s'".formatted(what));
        }
        return text.replace(what, by);
    }

    private Nginx awaitListening() {
        Awaitility.await("nginx, see " + folder).atMost(Duration.ofSeconds(20)).until(() -> {
            if (!process.isAlive()) {
                throw new IllegalStateException(read("output.log") + read("start.log"));
            }
            try (Socket _ = new Socket("127.0.0.1", port)) {
                return true;
            } catch (IOException e) {
                return false;
            }
        });
        return this;
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + port + "/");
    }

    /** Of the process whose children do the work. */
    public long pid() {
        return process.pid();
    }

    /** What the access log says of the requests that have ended. */
    public String accessLog() {
        return read("chat-relay.log");
    }

    private String read(String file) {
        try {
            return Files.exists(folder.resolve(file)) ? Files.readString(folder.resolve(file)) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
