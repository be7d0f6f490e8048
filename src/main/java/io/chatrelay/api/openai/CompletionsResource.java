package io.chatrelay.api.openai;

import java.io.InputStream;
import java.util.Optional;

import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
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

import io.chatrelay.access.Roles;
import io.chatrelay.api.ApprovalBehavior;
import io.chatrelay.api.ChatRequest;
import io.chatrelay.api.QueuedReply;
import io.chatrelay.api.ReaderKind;
import io.chatrelay.api.RepeatedPost;
import io.chatrelay.api.RequestBodies;
import io.chatrelay.api.StreamResumer;
import io.chatrelay.api.TurnEndpoint;
import io.chatrelay.api.TurnReply;
import io.chatrelay.event.Turn;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;

/** Sends and reads a turn in the format of OpenAI's SDKs. */
@Path(OpenAiProtocol.COMPLETIONS)
@RunOnVirtualThread
@Tag(name = "Chat")
@RolesAllowed(Roles.CHAT)
public class CompletionsResource {

    private final TurnEndpoint turns;
    private final StreamResumer resumer;
    private final OpenAiProtocol protocol;

    CompletionsResource(TurnEndpoint turns, StreamResumer resumer, OpenAiProtocol protocol) {
        this.turns = turns;
        this.resumer = resumer;
        this.protocol = protocol;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Sends a message; the answer is OpenAI chunks with stream:true, else one chat.completion")
    @RequestBody(required = true,
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(ref = "CompletionRequest")))
    @APIResponse(responseCode = "200", description = "The answer")
    @APIResponse(responseCode = "202", description = "The message waits for its turn (onRunning enqueue)",
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(implementation = QueuedReply.class)))
    public void send(InputStream body, @QueryParam("approvals") String approvals, @Context HttpHeaders headers,
            @Context RoutingContext http, @Suspended AsyncResponse reply) {
        ApprovalBehavior.refusePause(approvals);
        try (RequestBodies.Read read = turns.body(body, headers)) {
            send(OpenAiRequest.read(read.json(), headers, turns.caller()), approvals, headers, http, reply);
        }
    }

    private void send(ChatRequest request, String approvals, HttpHeaders headers, RoutingContext http, AsyncResponse reply) {
        boolean streams = request.stream() != null ? request.stream() : wantsEventStream(headers);
        Optional<RepeatedPost> again = RepeatedPost.of(request, streams, OpenAiProtocol.NAME, approvals, headers);
        if (again.isPresent()) {
            resumer.readOn(again.get(), http, reply);
            return;
        }
        turns.send(request, streams, reply).ifPresent(turn -> answer(turn, request, streams, approvals, headers, http, reply));
    }

    private void answer(Turn turn, ChatRequest request, boolean streams, String approvals, HttpHeaders headers,
            RoutingContext http, AsyncResponse reply) {
        if (streams) {
            turns.stream(turn, protocol.frames(turn, request.includeUsage()), 0, 0, http, reply,
                    ReaderKind.whoAsked(request.leavingStops()));
        } else {
            turns.reply(turn, protocol, TurnReply.prefersWait(headers) || "wait".equals(approvals), request.leavingStops(),
                    http, reply);
        }
    }

    /** Used only if the body does not state it: OpenAI's SDKs request a stream in the body, and their header accepts JSON. */
    private static boolean wantsEventStream(HttpHeaders headers) {
        String accept = headers.getHeaderString(HttpHeaders.ACCEPT);
        return accept != null && accept.contains(MediaType.SERVER_SENT_EVENTS);
    }
}
