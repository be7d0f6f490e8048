package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

/** The files below {@code docker/} fit each other and the service: its settings, ports, paths, user, shutdown and metrics. */
class DeploymentTest {

    private static final Path DOCKER = Path.of("docker");
    private static final Path BASE = DOCKER.resolve("kubernetes/base");
    private static final Pattern METRIC = Pattern.compile("chat_relay_[a-z_]+");
    private static final Pattern SECRET = Pattern.compile(".*_(USERNAME|PASSWORD|API_KEY|SHA256)");
    /** What a shutdown may take beyond its grace period: the readers' last events, and a database that is away. See {@code ShutdownConfig}. */
    private static final Duration BEYOND_GRACE = Duration.ofSeconds(2 + 10);

    private static RuntimeSettings settings;

    private final JsonNode deployment = Yaml.document(BASE.resolve("deployment.yaml"));
    private final JsonNode pod = deployment.at("/spec/template/spec");
    private final JsonNode container = pod.at("/containers/0");
    private final JsonNode compose = Yaml.document(DOCKER.resolve("compose.yaml"));

    @BeforeAll
    static void readSettings() throws IOException, ClassNotFoundException {
        settings = new RuntimeSettings();
    }

    @Test
    void everyFileParses() throws IOException {
        for (Path file : files(".yaml", ".yml", ".json")) {
            assertThat(Yaml.documents(file)).as(file.toString()).isNotEmpty()
                    .allSatisfy(each -> assertThat(each.isObject()).isTrue());
        }
    }

    @Test
    void kustomizationsNameWhatIsThere() throws IOException {
        for (Path file : files("kustomization.yaml")) {
            Path folder = file.getParent();
            JsonNode kustomization = Yaml.document(file);
            assertThat(texts(kustomization.at("/resources"))).isNotEmpty()
                    .allSatisfy(name -> assertThat(folder.resolve(name)).exists());
            try (Stream<Path> beside = Files.list(folder)) {
                assertThat(texts(kustomization.at("/resources"))).as(file.toString())
                        .containsAll(beside.map(each -> each.getFileName().toString())
                                .filter(name -> name.endsWith(".yaml") && !name.equals("kustomization.yaml")).toList());
            }
        }
    }

    @Test
    void everySettingIsOneOfTheServices() {
        assertThat(settings.unknown(kubernetesSettings().keySet())).isEmpty();
        assertThat(settings.unknown(composeSettings().keySet())).isEmpty();
    }

    @Test
    void aSettingThatIsNoneIsFound() {
        assertThat(settings.unknown(Set.of("CHAT_RELAY_UPSTREAMS_AGENTS_KEY", "CHAT_RELAY_UPSTREAMS_AGENTS_API_KEY",
                "QUARKUS_DATASOURCE_JDBC_ADDRESS", "QUARKUS_DATASOURCE_JDBC_URL", "QUARKUS_DATASOURCE_DB_KIND",
                "JAVA_OPTIONS")))
                .containsExactlyInAnyOrder("CHAT_RELAY_UPSTREAMS_AGENTS_KEY", "QUARKUS_DATASOURCE_JDBC_ADDRESS",
                        "QUARKUS_DATASOURCE_DB_KIND", "JAVA_OPTIONS");
    }

    @Test
    void kubernetesSetsWhatComposeSets() {
        assertThat(kubernetesSettings().keySet()).containsAll(composeSettings().keySet());
    }

    @Test
    void secretsAreReferred() throws IOException {
        assertThat(texts(container.at("/env"), "name")).isNotEmpty().allMatch(name -> SECRET.matcher(name).matches());
        assertThat(container.at("/env"))
                .allSatisfy(each -> assertThat(each.at("/valueFrom/secretKeyRef/name").isTextual()).isTrue());
        assertThat(plainSettings().keySet()).noneMatch(name -> SECRET.matcher(name).matches());
        assertThat(composeSettings()).allSatisfy((name, value) -> assertThat(!name.endsWith("PASSWORD")
                && !name.endsWith("API_KEY") && !name.endsWith("SHA256") || value.startsWith("${")).as(name).isTrue());
        for (Path file : files(".yaml")) {
            assertThat(Yaml.documents(file)).as(file.toString()).noneMatch(each -> each.path("kind").asText().equals("Secret"));
        }
    }

    @Test
    void portsAreTheServices() throws IOException {
        String http = settings.value("quarkus.http.port");
        String management = settings.value("quarkus.management.port");
        assertThat(texts(container.at("/ports"), "name")).containsExactly("http", "management");
        assertThat(texts(container.at("/ports"), "containerPort")).containsExactly(http, management);
        assertThat(Yaml.document(BASE.resolve("service.yaml")).at("/spec/ports/0/targetPort").asText()).isEqualTo("http");
        assertThat(texts(Yaml.document(BASE.resolve("network-policy.yaml")).at("/spec/ingress"), "/ports/0/port"))
                .containsExactly("http", "management");
        assertThat(texts(compose.at("/services/chat-relay/ports"))).containsExactly("%1$s:%1$s".formatted(http),
                "127.0.0.1:%1$s:%1$s".formatted(management));
        for (String dockerfile : List.of("Dockerfile.jvm", "Dockerfile.native")) {
            assertThat(instructions(dockerfile, "EXPOSE")).contains(http + " " + management);
        }
        assertThat(deployment.at("/spec/template/metadata/annotations/prometheus.io~1port").asText()).isEqualTo(management);
        assertThat(Production.read(DOCKER.resolve("prometheus/prometheus.yml"))).contains("chat-relay:" + management);
    }

    @Test
    void probesAskTheServicesPaths() {
        String root = settings.value("quarkus.management.root-path");
        // Where SmallRye Health puts them; the service sets none of its paths.
        Map.of("startup", "started", "readiness", "ready", "liveness", "live").forEach((probe, path) -> {
            JsonNode get = container.at("/%sProbe/httpGet".formatted(probe));
            assertThat(get.path("port").asText()).isEqualTo("management");
            assertThat(get.path("path").asText()).isEqualTo(root + "/health/" + path);
        });
        assertThat(Production.read(Production.CLASSES.resolve("application.properties")))
                .doesNotContain("quarkus.smallrye-health.");
        String metrics = root + "/" + settings.value("quarkus.micrometer.export.prometheus.path");
        assertThat(deployment.at("/spec/template/metadata/annotations/prometheus.io~1path").asText()).isEqualTo(metrics);
        assertThat(Yaml.document(DOCKER.resolve("prometheus/prometheus.yml")).at("/scrape_configs/0/metrics_path").asText())
                .isEqualTo(metrics);
    }

    @Test
    void nobodyIsKilledBeforeTheShutdownIsOver() {
        Duration grace = seconds(plainSettings().get("CHAT_RELAY_SHUTDOWN_GRACE"));
        Duration preStop = Duration.ofSeconds(container.at("/lifecycle/preStop/sleep/seconds").asInt());
        assertThat(preStop).isPositive();
        assertThat(Duration.ofSeconds(pod.path("terminationGracePeriodSeconds").asInt()))
                .isGreaterThan(preStop.plus(grace).plus(BEYOND_GRACE));
        assertThat(seconds(compose.at("/services/chat-relay/stop_grace_period").asText()))
                .isGreaterThan(seconds(settings.value("chat-relay.shutdown.grace")).plus(BEYOND_GRACE));
    }

    @Test
    void theProcessMayDoNoMoreThanItNeeds() {
        String user = pod.at("/securityContext/runAsUser").asText();
        for (String dockerfile : List.of("Dockerfile.jvm", "Dockerfile.native")) {
            assertThat(instructions(dockerfile, "USER").reversed()).as(dockerfile).first().isEqualTo(user);
        }
        assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
        assertThat(pod.at("/securityContext/seccompProfile/type").asText()).isEqualTo("RuntimeDefault");
        assertThat(pod.path("automountServiceAccountToken").asBoolean(true)).isFalse();
        assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
        assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true)).isFalse();
        assertThat(texts(container.at("/securityContext/capabilities/drop"))).containsExactly("ALL");
        assertThat(texts(container.at("/volumeMounts"), "mountPath")).containsExactly("/tmp");
        compose.path("services").forEach(service -> {
            assertThat(service.path("read_only").asBoolean()).isTrue();
            assertThat(texts(service.path("cap_drop"))).containsExactly("ALL");
            assertThat(texts(service.path("security_opt"))).containsExactly("no-new-privileges:true");
        });
    }

    @Test
    void allSpeakOfTheSamePods() throws IOException {
        JsonNode labels = deployment.at("/spec/template/metadata/labels");
        List<JsonNode> selectors = new ArrayList<>(List.of(deployment.at("/spec/selector/matchLabels"),
                Yaml.document(BASE.resolve("service.yaml")).at("/spec/selector"),
                Yaml.document(BASE.resolve("disruption-budget.yaml")).at("/spec/selector/matchLabels"),
                Yaml.document(BASE.resolve("network-policy.yaml")).at("/spec/podSelector/matchLabels")));
        pod.path("topologySpreadConstraints").forEach(each -> selectors.add(each.at("/labelSelector/matchLabels")));
        assertThat(selectors).hasSize(6).allSatisfy(selector -> {
            assertThat(selector.isEmpty()).isFalse();
            selector.properties().forEach(label -> assertThat(labels.path(label.getKey())).isEqualTo(label.getValue()));
        });
        JsonNode autoscaler = Yaml.document(DOCKER.resolve("kubernetes/autoscaling/autoscaler.yaml"));
        assertThat(autoscaler.at("/spec/scaleTargetRef/name")).isEqualTo(deployment.at("/metadata/name"));
        assertThat(autoscaler.at("/spec/minReplicas")).isEqualTo(deployment.at("/spec/replicas"));
    }

    @Test
    void metricsAreTheServices() throws IOException {
        Set<String> known = Metrics.ofTheService();
        for (Path file : files(".json", "autoscaler.yaml", "alerts.yml")) {
            Set<String> named = METRIC.matcher(Production.read(file)).results().map(MatchResult::group)
                    .collect(Collectors.toCollection(TreeSet::new));
            assertThat(named).as(file.toString()).isNotEmpty().allMatch(name -> Metrics.isOf(known, name));
        }
    }

    @Test
    void aMetricThatIsNoneIsFound() throws IOException {
        Set<String> known = Metrics.ofTheService();
        assertThat(Metrics.isOf(known, "chat_relay_turns_total")).isTrue();
        assertThat(Metrics.isOf(known, "chat_relay_journal_commit_seconds_bucket")).isTrue();
        assertThat(Metrics.isOf(known, "chat_relay_turn_total")).isFalse();
        assertThat(Metrics.isOf(known, "chat_relay_journal_commits_seconds_bucket")).isFalse();
    }

    @Test
    void whatIsCopiedIsInTheContextOfTheBuild() {
        List<String> included = Production.read(Path.of(".dockerignore")).lines().filter(line -> line.startsWith("!"))
                .map(line -> line.substring(1)).toList();
        for (String dockerfile : List.of("Dockerfile.jvm", "Dockerfile.native")) {
            List<String> copied = instructions(dockerfile, "COPY").stream().filter(copy -> !copy.contains("--from="))
                    .flatMap(copy -> Stream.of(copy.split(" "))).filter(word -> word.startsWith("target/")).toList();
            assertThat(copied).as(dockerfile).isNotEmpty()
                    .allMatch(source -> included.stream().anyMatch(source::startsWith));
        }
    }

    /** All that the example's pods are given. */
    private Map<String, String> kubernetesSettings() {
        Map<String, String> all = new TreeMap<>(plainSettings());
        texts(container.at("/env"), "name").forEach(name -> all.put(name, ""));
        return all;
    }

    private static Map<String, String> plainSettings() {
        Map<String, String> all = new TreeMap<>();
        Properties base = new Properties();
        try {
            base.load(new StringReader(Production.read(BASE.resolve("settings.env"))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        base.stringPropertyNames().forEach(name -> all.put(name, base.getProperty(name)));
        texts(Yaml.document(DOCKER.resolve("kubernetes/example/kustomization.yaml")).at("/configMapGenerator/0/literals"))
                .forEach(literal -> all.put(literal.split("=", 2)[0], literal.split("=", 2)[1]));
        return all;
    }

    private Map<String, String> composeSettings() {
        Map<String, String> all = new TreeMap<>();
        compose.at("/services/chat-relay/environment").properties()
                .forEach(each -> all.put(each.getKey(), each.getValue().asText()));
        return all;
    }

    private static Duration seconds(String text) {
        return Duration.parse("PT" + text);
    }

    private static List<String> instructions(String dockerfile, String name) {
        return Production.read(DOCKER.resolve(dockerfile)).replace("\\\n", "").lines()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> line.substring(name.length() + 1).strip()).toList();
    }

    private static List<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::asText).toList();
    }

    private static List<String> texts(JsonNode list, String member) {
        String pointer = member.startsWith("/") ? member : "/" + member;
        return list.valueStream().map(each -> each.at(pointer).asText()).toList();
    }

    private static List<Path> files(String... endings) throws IOException {
        try (Stream<Path> all = Files.walk(DOCKER)) {
            List<Path> found = all.filter(file -> Stream.of(endings).anyMatch(file.toString()::endsWith)).sorted().toList();
            assertThat(found).isNotEmpty();
            return found;
        }
    }
}
