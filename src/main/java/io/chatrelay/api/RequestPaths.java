package io.chatrelay.api;

import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

import jakarta.inject.Singleton;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.container.DynamicFeature;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.FeatureContext;
import jakarta.ws.rs.ext.Provider;

/** The paths of all resources, as templates: {@code /run/v1/conversations/{id}}. Complete once the service has started. */
@Provider
@Singleton
class RequestPaths implements DynamicFeature {

    private static final Pattern EXPRESSION = Pattern.compile("\\{(\\w+)\\s*:[^}]*}");

    private final Set<String> templates = ConcurrentHashMap.newKeySet();

    /** Called for each method of a resource while the service starts. */
    @Override
    public void configure(ResourceInfo method, FeatureContext context) {
        Path ofMethod = method.getResourceMethod().getAnnotation(Path.class);
        templates.add(template(method.getResourceClass().getAnnotation(Path.class).value(),
                ofMethod == null ? "" : ofMethod.value()));
    }

    private static String template(String ofResource, String ofMethod) {
        String path = "/" + ofResource + "/" + ofMethod;
        return EXPRESSION.matcher(path).replaceAll("{$1}").replaceAll("/+", "/").replaceAll("(.)/$", "$1");
    }

    /** The template that a path matches; empty for what is no resource. Without what its sender chose in it. */
    Optional<String> templateOf(String path) {
        String[] segments = path.split("/", -1);
        return templates.stream().filter(template -> matches(template.split("/", -1), segments))
                // The one with the fewest expressions: …/stream is not …/{id}.
                .min(Comparator.comparingLong(template -> template.chars().filter(c -> c == '{').count()));
    }

    private static boolean matches(String[] template, String[] segments) {
        return template.length == segments.length && IntStream.range(0, template.length)
                .allMatch(i -> template[i].startsWith("{") ? !segments[i].isEmpty() : template[i].equals(segments[i]));
    }

    /** Whether a path is that of a resource. */
    boolean contains(String template) {
        return templates.contains(template);
    }
}
