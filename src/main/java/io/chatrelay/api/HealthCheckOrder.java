package io.chatrelay.api;

import java.util.Comparator;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;

import io.smallrye.health.api.HealthContentFilter;

/** Sorts the health checks by name: the container finds them in a different order at each start. */
@ApplicationScoped
class HealthCheckOrder implements HealthContentFilter {

    private static final String CHECKS = "checks";

    @Override
    public JsonObject filter(JsonObject health) {
        JsonArray checks = health.getJsonArray(CHECKS);
        return checks == null ? health
                : Json.createObjectBuilder(health)
                        .add(CHECKS, Json.createArrayBuilder(checks.getValuesAs(JsonObject.class).stream()
                                .sorted(Comparator.comparing(check -> check.getString("name"))).toList()))
                        .build();
    }
}
