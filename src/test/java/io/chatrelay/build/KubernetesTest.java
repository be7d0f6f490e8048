package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.clients.Node;

/** The manifests by Kubernetes' own schemas, as an npm package has them: types, required fields, and fields that there are not. */
class KubernetesTest {

    private static final Path MANIFESTS = Path.of("docker/kubernetes");

    @TempDir
    Path folder;

    @Test
    void theManifestsAreValid() throws IOException {
        List<String> files = new ArrayList<>();
        try (Stream<Path> all = Files.walk(MANIFESTS)) {
            for (Path file : all.filter(each -> each.toString().endsWith(".yaml") && !each.endsWith("kustomization.yaml"))
                    .toList()) {
                files.add(json(file.getFileName().toString(), Yaml.document(file)));
            }
        }
        assertThat(files).hasSizeGreaterThan(4);
        assertThat(Node.run("kubernetes.mjs", files.toArray(String[]::new))).hasSameSizeAs(files)
                .allSatisfy(faults -> assertThat(faults).isEmpty());
    }

    @Test
    void whatIsWrongIsFound() throws IOException {
        ObjectNode deployment = (ObjectNode) Yaml.document(MANIFESTS.resolve("base/deployment.yaml"));
        deployment.withObjectProperty("spec").put("replicas", "two").put("replica", 2).remove("selector");
        JsonNode faults = Node.run("kubernetes.mjs", json("deployment", deployment)).path("deployment");
        assertThat(faults.valueStream().map(JsonNode::asText)).containsExactlyInAnyOrder(
                "/spec must have required property selector", "/spec/replicas must be integer",
                "/spec/replica is no field of the schema");
    }

    private String json(String name, JsonNode document) throws IOException {
        return Files.writeString(folder.resolve(name), document.toString()).toString();
    }
}
