package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;

/** Files of YAML, or of JSON, which is YAML as well. A key that is there twice is an error. */
final class Yaml {

    private static final ObjectMapper MAPPER = new ObjectMapper(
            YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build());

    private Yaml() {}

    static List<JsonNode> documents(Path file) {
        try (JsonParser parser = MAPPER.createParser(Production.read(file))) {
            return MAPPER.readValues(parser, JsonNode.class).readAll();
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    /** The only one of the file. */
    static JsonNode document(Path file) {
        List<JsonNode> all = documents(file);
        assertThat(all).as(file.toString()).hasSize(1);
        return all.getFirst();
    }
}
