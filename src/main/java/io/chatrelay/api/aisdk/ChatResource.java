package io.chatrelay.api.aisdk;

import java.io.InputStream;
import java.util.List;
import java.util.Optional;

import jakarta.annotation.security.RolesAllowed;
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

import io.chatrelay.access.Roles;
import io.chatrelay.api.ApprovalAnswers;
import io.chatrelay.api.ApprovalBehavior;
import io.chatrelay.api.ChatRequest;
import io.chatrelay.api.JsonBody;
import io.chatrelay.api.QueuedReply;
import io.chatrelay.api.ReaderKind;
import io.chatrelay.api.RepeatedPost;
import io.chatrelay.api.ReplayPosition;
import io.chatrelay.api.RequestBodies;
import io.chatrelay.api.StreamPosition;
import io.chatrelay.api.StreamResumer;
import io.chatrelay.api.TurnEndpoint;
import io.chatrelay.api.TurnReply;
import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.approval.RecordedDecision;
import io.chatrelay.event.Turn;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;

/** Sends and reads a turn in the format of the AI SDK's {@code useChat}. Source: the path is that of Inkeep's run API. */
@Path(AiSdkProtocol.CHAT)
@RunOnVirtualThread
@Tag(name = "Chat")
@RolesAllowed(Roles.CHAT)
public class ChatResource {

    /** Source: Inkeep's answer to approvals that are sent through its chat. */
    @RegisterForReflection
    public record Results(boolean success, List<Result> results) {}

    /** @param deferred always false: a recorded decision is delivered to the agent without another request */
    @RegisterForReflection
    public record Result(String toolCallId, boolean approved, boolean alreadyProcessed, boolean deferred) {

        static Result of(RecordedDecision decided) {
            return new Result(decided.toolCallId(), decided.approved(), decided.alreadyDecided(), false);
        }
    }

    private final TurnEndpoint turns;
    private final StreamResumer resumer;
    private final AiSdkProtocol protocol;

    ChatResource(TurnEndpoint turns, StreamResumer resumer, AiSdkProtocol protocol) {
        this.turns = turns;
        this.resumer = resumer;
        this.protocol = protocol;
    }

    private FrameWriter frames(Turn turn, long after) {
        return turns.frames(protocol, turn, false, after);
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Sends a message; the answer is an AI SDK UI message stream, or one JSON with stream:false")
    @RequestBody(required = true,
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(ref = "ChatRequest")))
    @APIResponse(responseCode = "200", description = "The answer")
    @APIResponse(responseCode = "202", description = "The message waits for its turn (onRunning enqueue)",
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(implementation = QueuedReply.class)))
    public void send(InputStream in, @QueryParam("approvals") String approvals, @Context HttpHeaders headers,
            @Context RoutingContext http, @Suspended AsyncResponse reply) {
        try (RequestBodies.Read body = turns.body(in, headers)) {
            send(body.json(), approvals, headers, http, reply);
        }
    }

    private void send(JsonBody body, String approvals, HttpHeaders headers, RoutingContext http, AsyncResponse reply) {
        ApprovalBehavior atApproval = ApprovalBehavior.of(approvals,
                body.text("trigger") == null ? ApprovalBehavior.WAIT : ApprovalBehavior.PAUSE);
        Optional<ApprovalAnswers> answers = ApprovalAnswers.of(body, headers, turns.caller());
        if (answers.isPresent()) {
            decide(answers.get(), atApproval, RepeatedPost.of(answers.get(), AiSdkProtocol.NAME, approvals, headers), http,
                    reply);
            return;
        }
        ChatRequest request = AiSdkRequest.read(body, headers, turns.caller());
        boolean streams = request.stream() == null || request.stream();
        Optional<RepeatedPost> again = RepeatedPost.of(request, streams, AiSdkProtocol.NAME, approvals, headers);
        if (again.isPresent()) {
            resumer.readOn(again.get(), http, reply);
            return;
        }
        turns.send(request, streams, reply)
                .ifPresent(turn -> answer(turn, request, streams, atApproval, approvals, headers, http, reply));
    }

    private void answer(Turn turn, ChatRequest request, boolean streams, ApprovalBehavior atApproval, String approvals,
            HttpHeaders headers, RoutingContext http, AsyncResponse reply) {
        if (!streams) {
            turns.reply(turn, protocol, TurnReply.prefersWait(headers) || "wait".equals(approvals), request.leavingStops(),
                    http, reply);
            return;
        }
        ReaderKind reader = ReaderKind.whoAsked(request.leavingStops());
        switch (atApproval) {
            case WAIT -> turns.stream(turn, frames(turn, 0), 0, 0, http, reply, reader);
            case PAUSE -> turns.streamToPause(turn, frames(turn, 0), ReplayPosition.atTheBeginning(), 0, http, reply, reader);
        }
    }

    /** A client that continues automatically receives the events after the pause; any other client receives the answer of the run API. */
    private void decide(ApprovalAnswers answers, ApprovalBehavior atApproval, Optional<RepeatedPost> again, RoutingContext http,
            AsyncResponse reply) {
        if (answers.stream(atApproval)) {
            turns.openStream();
        }
        // A repeated decision gets the same answer.
        List<RecordedDecision> decided = turns.decide(answers.command());
        if (again.isPresent()) {
            resumer.readOn(again.get(), http, reply);
            return;
        }
        if (!answers.stream(atApproval)) {
            reply.resume(new Results(true, decided.stream().map(Result::of).toList()));
            return;
        }
        Turn turn = decided.getLast().turn();
        ReplayPosition from = turns.standing(turn, answers.seen());
        ReaderKind reader = ReaderKind.whoAsked(answers.leavingStops());
        switch (atApproval) {
            case WAIT -> turns.streamOn(turn, frames(turn, from.after()), from, http, reply, reader);
            case PAUSE -> turns.streamToPause(turn, frames(turn, from.after()), from, 0, http, reply, reader);
        }
    }

    @GET
    @Path("/{id}/stream")
    @RolesAllowed({ Roles.CHAT, Roles.STREAM_TOKEN })
    @Operation(summary = "Takes up the conversation's running turn; 204 when there is none. The path that useChat asks")
    @APIResponse(responseCode = "200", description = "The turn's events")
    @APIResponse(responseCode = "204", description = "There is nothing to read, or no such conversation: a chat that is new")
    public void resume(@PathParam("id") String id, @QueryParam("after") String after, @QueryParam("turn") String turn,
            @QueryParam("wire") String wire, @QueryParam("include_usage") String usage,
            @QueryParam("approvals") String approvals,
            @HeaderParam("Last-Event-ID") String lastEventId, @Context RoutingContext http, @Suspended AsyncResponse reply) {
        resumer.readIfAny(id, new StreamPosition(lastEventId, after, turn, wire, usage, approvals),
                ApprovalBehavior.PAUSE, http,
                reply);
    }
}
