package io.chatrelay.build;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.config.KnownSettings;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.config.WithDefault;

/** What an operator can set when the service starts: its own settings by their mappings, and Quarkus' by the models that its jars hold. */
final class RuntimeSettings {

    private static final String MODEL = "META-INF/quarkus-config-doc/quarkus-config-model.json";
    private static final Set<String> OF_THE_IMAGE = Set.of("JAVA_OPTS");

    private final KnownSettings own;
    private final Set<String> variables = new HashSet<>(OF_THE_IMAGE);
    private final Map<String, String> defaults = new HashMap<>();

    RuntimeSettings() throws IOException, ClassNotFoundException {
        own = new KnownSettings(mappings());
        own.all().forEach(setting -> {
            WithDefault value = setting.reader().getAnnotation(WithDefault.class);
            if (value != null) {
                defaults.put(setting.key(), value.value());
            }
        });
        ObjectMapper json = new ObjectMapper();
        for (URL model : Collections.list(RuntimeSettings.class.getClassLoader().getResources(MODEL))) {
            try (InputStream file = model.openStream()) {
                collect(json.readTree(file));
            }
        }
        Properties shipped = new Properties();
        shipped.load(new StringReader(Production.read(Production.CLASSES.resolve("application.properties"))));
        shipped.stringPropertyNames().forEach(name -> defaults.put(name, shipped.getProperty(name)));
    }

    private static List<Class<?>> mappings() throws IOException, ClassNotFoundException {
        try (Stream<Path> files = Files.walk(Production.CLASSES)) {
            return Production
                    .initialised(files.map(file -> Production.CLASSES.relativize(file).toString())
                            .filter(name -> name.endsWith("Config.class")).map(name -> name.replaceAll("[.]class$", ""))
                            .toList(), false)
                    .stream().filter(type -> type.isAnnotationPresent(ConfigMapping.class)).toList();
        }
    }

    private void collect(JsonNode node) {
        JsonNode property = node.at("/path/property");
        if (property.isTextual()) {
            defaults.put(property.asText(), node.path("defaultValue").asText());
            if (node.path("phase").asText().equals("RUN_TIME")) {
                variables.add(node.at("/path/environmentVariable").asText());
            }
        }
        node.forEach(this::collect);
    }

    /** Environment variables that would set nothing, or nothing any more once the service is built. */
    Set<String> unknown(Collection<String> names) {
        Map<String, String> set = new HashMap<>();
        names.forEach(name -> set.put(name, "any"));
        SmallRyeConfig config = new SmallRyeConfigBuilder().withSources(new PropertiesConfigSource(set, "a deployment", 100))
                .build();
        Set<String> unknown = new TreeSet<>(own.unknownVariables(config));
        names.stream().filter(name -> !name.startsWith("CHAT_RELAY_") && !variables.contains(name)).forEach(unknown::add);
        return unknown;
    }

    /** What the service has where an operator sets nothing. */
    String value(String property) {
        String value = defaults.get(property);
        if (value == null) {
            throw new NoSuchElementException(property);
        }
        return value;
    }
}
