package io.chatrelay.api;

import java.io.InputStream;
import java.util.List;
import java.util.Set;

import jakarta.annotation.security.RolesAllowed;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import io.chatrelay.access.Caller;
import io.chatrelay.access.Role;
import io.chatrelay.access.Roles;
import io.chatrelay.approval.DecideCommand;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;

/** Decides one approval. Source: Inkeep's documented {@code POST /run/api/tool-approvals}. */
@Path(ErrorFormats.DECISIONS)
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
@Tag(name = "Approvals")
@RolesAllowed(Roles.APPROVE)
public class DecisionResource {

    private static final Set<String> KNOWN = Set.of("approved", "conversationId", "toolCallId", "reason", "inputDigest",
            "turnId", "user");

    @RegisterForReflection
    public record Reply(boolean success, String message) {}

    private final TurnEndpoint turns;

    DecisionResource(TurnEndpoint turns) {
        this.turns = turns;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Approves or denies a tool call; the first decision wins, the same again is answered the same")
    @RequestBody(required = true,
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(ref = "DecisionRequest")))
    @APIResponse(responseCode = "200", description = "It is recorded, and will be told to the agent")
    public Reply decide(InputStream in, @Context HttpHeaders headers) {
        try (RequestBodies.Read read = turns.body(in, headers)) {
            return decide(read.json(), headers);
        }
    }

    private Reply decide(JsonBody body, HttpHeaders headers) {
        body.names().stream().filter(name -> !KNOWN.contains(name)).findFirst().ifPresent(name -> {
            throw body.wrong(name,
                    "is not known here: approved, conversationId, toolCallId, turnId, reason, inputDigest and user are");
        });
        String conversation = ConversationHeader.or("conversationId", body.id("conversationId"), headers);
        if (conversation == null) {
            throw body.wrong("conversationId", "is required");
        }
        body.required("toolCallId");
        DecideCommand.Answer answer = ApprovalAnswers.answer(body, "toolCallId", body.name("toolCallId"), null);
        Caller caller = turns.caller();
        String turn = body.text("turnId");
        if (turn != null) {
            StreamPosition.turnId("turnId", turn);
        }
        turns.decide(
                new DecideCommand(EndUsers.scope(caller), caller.name(), caller.may(Role.APPROVE), conversation,
                        EndUsers.of(body, caller),
                        new DecideCommand.OfTurn("turnId", turn, false), List.of(answer)));
        return new Reply(true, answer.approved() ? "Tool execution approved" : "Tool execution denied");
    }
}
