package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

import io.chatrelay.support.clients.Installed;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.Nginx;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/** All that is compared, in processes of their own in front of one emulator. They run until the end, so that each is as warm as the others. */
final class Targets implements AutoCloseable {

    private static final String HEAP = "-Xmx1g";
    private static final Path PIPE = Path.of("bench/baselines/pipe/target/quarkus-app/quarkus-run.jar");
    private static final Path GATEWAY = Path.of("bench/baselines/gateway/target/gateway.jar");

    private final List<RunningTarget> all = new ArrayList<>();
    private final Deque<Runnable> stops = new ArrayDeque<>();

    /** @param journalOff the jar of the service that writes no events */
    Targets(Path journalOff) throws IOException, InterruptedException {
        int emulator = FreePort.find();
        Process inkeep = Benchmark.emulator(emulator);
        stops.push(inkeep::destroy);
        try {
            URI upstream = address(emulator);
            all.add(new RunningTarget(Target.DIRECT, upstream.resolve(RunningTarget.PATH), () -> Cpu.micros(inkeep.pid())));
            if (Installed.NGINX.find().isPresent()) {
                nginx(upstream);
            } else {
                System.err.println("nginx is not installed: it is left out. 'apt-get install nginx' on Debian.");
            }
            baseline(Target.PIPE, PIPE, "quarkus.http.port", upstream);
            baseline(Target.GATEWAY, GATEWAY, "server.port", upstream);
            TestPostgres database = TestPostgres.fresh();
            service(Target.SERVICE, Benchmark.service(database, emulator), database);
            TestPostgres unwritten = TestPostgres.fresh();
            service(Target.JOURNAL_OFF, Benchmark.service(unwritten, emulator).jar(journalOff), unwritten);
        } catch (IOException | InterruptedException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private static URI address(int port) {
        return URI.create("http://127.0.0.1:" + port);
    }

    private void nginx(URI upstream) throws IOException {
        Nginx nginx = Nginx.passing(upstream);
        stops.push(nginx::close);
        all.add(new RunningTarget(Target.NGINX, nginx.address().resolve(RunningTarget.PATH),
                () -> Cpu.microsOfFamily(nginx.pid())));
    }

    private void baseline(Target target, Path jar, String portName, URI upstream) throws IOException, InterruptedException {
        int port = FreePort.find();
        List<String> arguments = new ArrayList<>(List.of(HEAP));
        arguments.addAll(Benchmark.options());
        arguments.addAll(
                List.of("-D%s=%d".formatted(portName, port), "-Dbaseline.upstream=" + upstream, "-jar", jar.toString()));
        Process process = Jvm.listening(port, "benchmark-" + target.name(), arguments);
        stops.push(process::destroy);
        all.add(new RunningTarget(target, address(port).resolve(RunningTarget.PATH), () -> Cpu.micros(process.pid())));
    }

    private void service(Target target, RelayProcess.Setup setup, TestPostgres database) {
        RelayProcess relay = setup.start();
        stops.push(relay::close);
        long postgres = database.serverPid();
        all.add(new RunningTarget(target, relay.api().resolve(RunningTarget.PATH), () -> Cpu.micros(relay.pid()),
                () -> Cpu.microsOfFamily(postgres), database::commits));
    }

    /** In the order of another run: whoever is first in one is last in the next. */
    List<RunningTarget> inOrderOf(int run) {
        List<RunningTarget> order = new ArrayList<>(all);
        Collections.rotate(order, -run);
        return order;
    }

    @Override
    public void close() {
        stops.forEach(Runnable::run);
    }
}
