package io.chatrelay.api;

import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.UUID;

import jakarta.annotation.security.RolesAllowed;
import jakarta.validation.constraints.Pattern;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import io.chatrelay.access.AccessConfig;
import io.chatrelay.access.Caller;
import io.chatrelay.access.Callers;
import io.chatrelay.access.Roles;
import io.chatrelay.turn.StreamTokens;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;

/** Tokens for readers that cannot send a key: a browser's {@code EventSource}. */
@Path("/run/v1/conversations/{id}/stream-tokens")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
@Tag(name = "Conversations")
@RolesAllowed(Roles.CHAT)
public class StreamTokensResource {

    private static final Set<String> FIELDS = Set.of("turnId", "expiresIn");

    /** @param url the stream with the token in it, relative to the service's address */
    @RegisterForReflection
    @Schema(name = "StreamToken", requiredProperties = { "token", "expiresAt", "url" })
    public record TokenReply(String token, Instant expiresAt,
            @Schema(description = "The stream with the token in it, below the service's own address") String url) {

        static TokenReply of(StreamTokens.Issued issued, String conversation, UUID turn) {
            return new TokenReply(issued.token(), issued.expiresAt(), "/run/v1/conversations/%s/stream?%stoken=%s"
                    .formatted(conversation, turn == null ? "" : "turn=" + turn + "&", issued.token()));
        }
    }

    private final StreamTokens tokens;
    private final TurnEndpoint turns;
    private final AccessConfig.StreamTokens config;

    StreamTokensResource(StreamTokens tokens, TurnEndpoint turns, AccessConfig config) {
        this.tokens = tokens;
        this.turns = turns;
        this.config = config.streamTokens();
    }

    @POST
    @Operation(summary = "A token that opens this conversation's stream, or one turn of it, for some minutes, and nothing else")
    @RequestBody(required = false,
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(ref = "StreamTokenRequest")))
    @APIResponse(responseCode = "201", description = "The token, which is told this once",
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(implementation = TokenReply.class)))
    public Response issue(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id, InputStream in,
            @Context HttpHeaders headers) {
        try (RequestBodies.Read read = turns.bodyIfAny(in, headers)) {
            return issue(id, read.json());
        }
    }

    private Response issue(String id, JsonBody body) {
        body.names().stream().filter(name -> !FIELDS.contains(name)).findFirst().ifPresent(name -> {
            throw body.wrong(name, "is not known here: turnId and expiresIn are");
        });
        UUID turn = body.has("turnId") ? StreamPosition.turnId("turnId", body.text("turnId")) : null;
        Duration lifetime = lifetime(body);
        Caller caller = turns.caller();
        StreamTokens.Issued issued = tokens.issue(turns.scope(), Callers.reference(caller), id, turn, lifetime);
        // A cached copy of this answer would be a copy of a key.
        return Response.status(Response.Status.CREATED).entity(TokenReply.of(issued, id, turn))
                .header(HttpHeaders.CACHE_CONTROL, "no-store").build();
    }

    private Duration lifetime(JsonBody body) {
        body.integer("expiresIn", 1, config.maxLifetime().toSeconds());
        if (body.has("expiresIn")) {
            return Duration.ofSeconds(body.node().get("expiresIn").asLong());
        }
        return config.lifetime().compareTo(config.maxLifetime()) < 0 ? config.lifetime() : config.maxLifetime();
    }
}
