package io.chatrelay.api.openai;

import java.util.List;
import java.util.stream.Stream;

import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import com.fasterxml.jackson.annotation.JsonProperty;

import io.chatrelay.access.Roles;
import io.chatrelay.event.ChatException;
import io.chatrelay.upstream.Upstreams;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;

/** The values that a caller may send as {@code model}. Source: {@code GET /v1/models} of OpenAI's API reference. */
@Path(OpenAiProtocol.MODELS)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
@Tag(name = "Chat")
@RolesAllowed(Roles.CHAT)
public class ModelsResource {

    @RegisterForReflection
    public record Models(String object, List<Model> data) {}

    /** @param created 0, because it is unknown for an agent */
    @RegisterForReflection
    public record Model(String id, String object, long created, @JsonProperty("owned_by") String ownedBy) {}

    private final Upstreams upstreams;

    ModelsResource(Upstreams upstreams) {
        this.upstreams = upstreams;
    }

    @GET
    @Operation(summary = "The configured agents and models")
    public Models list() {
        return new Models("list", models().toList());
    }

    @GET
    @Path("/{id: .+}")
    @Operation(summary = "One of them")
    @APIResponse(responseCode = "200", description = "It may be named")
    @APIResponse(responseCode = "404", description = "It may not")
    public Model get(@PathParam("id") String id) {
        return models().filter(model -> model.id().equals(id)).findFirst().orElseThrow(
                () -> ChatException.notFound("There is no such model. GET /run/v1/models tells all that there are."));
    }

    private Stream<Model> models() {
        return upstreams.all().stream()
                .flatMap(upstream -> Stream.concat(Stream.of(upstream.name()), upstream.models().stream())
                        .map(id -> new Model(id, "model", 0, upstream.name())));
    }
}
