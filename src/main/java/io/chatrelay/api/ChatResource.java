package io.chatrelay.api;

import java.io.InputStream;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import io.chatrelay.api.wire.AiSdkWire;
import io.chatrelay.chat.Turn;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;

/** A turn as the AI SDK's {@code useChat} sends and reads it, under the path of Inkeep's run API. */
@Path("/run/api/chat")
@RunOnVirtualThread
@Tag(name = "Chat")
public class ChatResource {

    private final Turns turns;
    private final Readers readers;

    ChatResource(Turns turns, Readers readers) {
        this.turns = turns;
        this.readers = readers;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Sends a message; the answer is an AI SDK UI message stream, or one JSON with stream:false")
    @RequestBody(required = true,
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(ref = "ChatRequest")))
    @APIResponse(responseCode = "200", description = "The answer")
    public void send(InputStream body, @Context HttpHeaders headers, @Context RoutingContext http,
            @Suspended AsyncResponse reply) {
        ChatRequest request = ChatRequest.chat(turns.body(body, headers), headers, turns.caller());
        Turn turn = turns.send(request);
        if (request.stream() == null || request.stream()) {
            turns.stream(turn, new AiSdkWire(turn), 0, http, reply, null);
        } else {
            turns.reply(turn, http, reply);
        }
    }

    @GET
    @Path("/{id}/stream")
    @Operation(summary = "Takes up the conversation's running turn; 204 when there is none. The path that useChat asks")
    @APIResponse(responseCode = "200", description = "The turn's events")
    @APIResponse(responseCode = "204", description = "There is nothing to read")
    public void resume(@PathParam("id") String id, @QueryParam("after") String after, @QueryParam("turn") String turn,
            @QueryParam("wire") String wire, @HeaderParam("Last-Event-ID") String lastEventId, @Context RoutingContext http,
            @Suspended AsyncResponse reply) {
        readers.read(id, new Readers.Position(lastEventId, after, turn, wire), http, reply);
    }
}
