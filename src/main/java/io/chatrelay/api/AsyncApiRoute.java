package io.chatrelay.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import io.quarkus.vertx.http.ManagementInterface;
import io.vertx.ext.web.Router;

/**
 * The description of the streams at {@code /q/asyncapi}, where {@code /q/openapi} describes the calls: on the management port where there is one.
 * Source: AsyncAPI 3.0.0, whose media type it is.
 */
@ApplicationScoped
class AsyncApiRoute {

    private static final String PATH = "/q/asyncapi";
    private static final String DOCUMENT = "META-INF/asyncapi.yaml";
    private static final String YAML = "application/vnd.aai.asyncapi+yaml;version=3.0.0";

    private final boolean ownPort;

    AsyncApiRoute(@ConfigProperty(name = "quarkus.management.enabled", defaultValue = "false") boolean ownPort) {
        this.ownPort = ownPort;
    }

    void api(@Observes Router router) {
        if (!ownPort) {
            add(router);
        }
    }

    void management(@Observes ManagementInterface management) {
        add(management.router());
    }

    private static void add(Router router) {
        String document = read();
        router.get(PATH).handler(asked -> asked.response().putHeader("content-type", YAML).end(document));
    }

    private static String read() {
        try (InputStream in = Thread.currentThread().getContextClassLoader().getResourceAsStream(DOCUMENT)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
