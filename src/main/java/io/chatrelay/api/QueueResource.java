package io.chatrelay.api;

import java.util.List;
import java.util.UUID;

import jakarta.annotation.security.RolesAllowed;
import jakarta.validation.constraints.Pattern;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import io.chatrelay.access.Caller;
import io.chatrelay.access.Roles;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.logging.Audit;
import io.chatrelay.turn.MessageQueue;
import io.chatrelay.turn.QueuedMessage;
import io.smallrye.common.annotation.RunOnVirtualThread;

/** The messages of a conversation that wait for their turn. */
@Path("/run/v1/conversations/{id}/queue")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
@Tag(name = "Conversations")
@RolesAllowed(Roles.CHAT)
public class QueueResource {

    private final MessageQueue queue;
    private final TurnEndpoint turns;

    QueueResource(MessageQueue queue, TurnEndpoint turns) {
        this.queue = queue;
        this.turns = turns;
    }

    @GET
    @Operation(summary = "The messages that wait for their turn, the next one first")
    public Page<QueuedReply> list(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id,
            @Parameter(schema = @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "100",
                    defaultValue = "20")) @QueryParam("limit") @Pattern(regexp = Rules.LIMIT,
                            message = Rules.LIMIT_REASON) String limit,
            @QueryParam("cursor") @Pattern(regexp = Rules.PLACE, message = Rules.CURSOR_REASON) String cursor) {
        MessageQueue.Waiting found = queue.list(turns.scope(), id, Page.placeCursor(cursor, 0), Page.limit(limit));
        List<QueuedMessage> messages = found.messages();
        return new Page<>(messages.stream().map(QueuedReply::of).toList(),
                found.more() ? Integer.toString(messages.getLast().place()) : null);
    }

    @DELETE
    @Path("/{message}")
    @Operation(summary = "Withdraws a message; 409 message_begun when its turn has begun")
    @APIResponse(responseCode = "204", description = "It waits no longer, and nothing of it is kept")
    @APIResponse(responseCode = "409", description = "message_begun: its turn runs, or has ended")
    public void withdraw(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id,
            @PathParam("message") String message) {
        UUID waiting = Ids.parsed(message)
                .orElseThrow(() -> ChatException.notFound("No message of that id waits in this conversation."));
        queue.withdraw(turns.scope(), id, waiting);
        Caller caller = turns.caller();
        Audit.of("withdrawn").with("message", waiting).with("conversation", id).with("tenant", caller.tenant())
                .with("caller", caller.name()).with("user", caller.endUser()).log();
    }
}
