package io.chatrelay.api;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

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

    /** Whether a path is that of a resource. */
    boolean contains(String template) {
        return templates.contains(template);
    }
}
