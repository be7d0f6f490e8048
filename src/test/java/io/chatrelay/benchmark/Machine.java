package io.chatrelay.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.chatrelay.support.clients.Installed;
import io.chatrelay.support.it.TestPostgres;

/** What was measured where: the machine and the versions of what runs on it. */
final class Machine {

    private static final String FILE = "machine.csv";
    private static final String HEAD = "what,value";
    private static final Pattern PROCESSOR = Pattern.compile("model name\\s*:\\s*(.*)");
    private static final Pattern MEMORY = Pattern.compile("MemTotal:\\s*(\\d+) kB");
    private static final Pattern QUARKUS = Pattern.compile("<quarkus.version>(.*)</quarkus.version>");
    private static final Pattern BOOT = Pattern.compile("spring-boot-starter-parent</artifactId>\\s*<version>(.*)</version>");
    private static final Pattern CLOUD = Pattern.compile("spring-cloud-dependencies</artifactId>\\s*<version>(.*)</version>");
    private static final double KILOBYTES_A_GIGABYTE = 1 << 20;

    private Machine() {}

    static void write(Path folder) throws IOException {
        String gateway = "bench/baselines/gateway/pom.xml";
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("Measured", LocalDate.now() + ", commit " + said("git", "describe", "--always", "--dirty"));
        facts.put("Processor", found("/proc/cpuinfo", PROCESSOR));
        facts.put("Cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
        facts.put("Memory", "%.0f GB".formatted(Long.parseLong(found("/proc/meminfo", MEMORY)) / KILOBYTES_A_GIGABYTE));
        facts.put("Kernel", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        facts.put("JDK", System.getProperty("java.vendor.version") + ", " + Runtime.version());
        facts.put("JVM options", "-Xmx1g " + String.join(" ", Benchmark.options()));
        facts.put("PostgreSQL", TestPostgres.fresh().text("show server_version") + ", fsync and synchronous_commit on");
        String nginx = Installed.NGINX.find().map(path -> said(path.toString(), "-v")).orElse("not installed");
        facts.put("nginx", nginx.substring(nginx.indexOf('/') + 1));
        facts.put("Quarkus, of chat-relay and of the pipe", found("pom.xml", QUARKUS));
        facts.put("Spring Cloud Gateway",
                "Spring Cloud %s on Spring Boot %s".formatted(found(gateway, CLOUD), found(gateway, BOOT)));
        List<String> lines = new ArrayList<>(List.of(HEAD));
        facts.forEach((what, value) -> lines.add("\"%s\",\"%s\"".formatted(what, value)));
        Files.write(folder.resolve(FILE), lines);
    }

    static Map<String, String> read(Path folder) throws IOException {
        Map<String, String> facts = new LinkedHashMap<>();
        for (String line : Files.readAllLines(folder.resolve(FILE)).stream().skip(1).toList()) {
            String[] columns = line.substring(1, line.length() - 1).split("\",\"");
            facts.put(columns[0], columns[1]);
        }
        return facts;
    }

    private static String found(String file, Pattern pattern) throws IOException {
        Matcher found = pattern.matcher(Files.readString(Path.of(file)));
        return found.find() ? found.group(1) : "unknown";
    }

    private static String said(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            return new String(process.getInputStream().readAllBytes()).strip();
        } catch (IOException e) {
            return "unknown";
        }
    }
}
