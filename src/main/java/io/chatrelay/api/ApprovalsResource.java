package io.chatrelay.api;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import jakarta.annotation.security.RolesAllowed;
import jakarta.validation.constraints.Pattern;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import io.chatrelay.access.Roles;
import io.chatrelay.approval.ApprovalPage;
import io.chatrelay.approval.ApprovalView;
import io.chatrelay.approval.Approvals;
import io.chatrelay.event.ApprovalState;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;

/** The inbox of approvals over all conversations of the tenant. */
@Path("/run/v1/tool-approvals")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
@Tag(name = "Approvals")
@RolesAllowed({ Roles.CHAT, Roles.APPROVE })
public class ApprovalsResource {

    private final Approvals approvals;
    private final TurnEndpoint turns;
    private final InboxEndpoint inbox;

    ApprovalsResource(Approvals approvals, TurnEndpoint turns, InboxEndpoint inbox) {
        this.approvals = approvals;
        this.turns = turns;
        this.inbox = inbox;
    }

    @GET
    @Operation(summary = "The tenant's approvals, newest first; of one state or conversation where they are named")
    public Page<ApprovalView> list(@QueryParam("state") String state,
            @QueryParam("conversationId") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String conversationId,
            @Parameter(schema = @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "100",
                    defaultValue = "20")) @QueryParam("limit") @Pattern(regexp = Rules.LIMIT,
                            message = Rules.LIMIT_REASON) String limit,
            @QueryParam("cursor") String cursor) {
        int size = Page.limit(limit);
        ApprovalPage found = approvals.list(turns.scope(), state(state), conversationId, Page.idCursor(cursor), size);
        List<ApprovalView> views = found.approvals();
        return new Page<>(views.stream().map(ApprovalView::withoutHistory).toList(),
                found.more() ? views.getLast().id().toString() : null);
    }

    @GET
    @Path("/{id}")
    @Operation(summary = "One approval, with what happened to it")
    public ApprovalView get(@PathParam("id") String id) {
        return approvals.get(turns.scope(), approvalId(id));
    }

    @GET
    @Path("/stream")
    @Produces(MediaType.WILDCARD)
    @Operation(
            summary = "The inbox as a stream: what is pending, or what changed after Last-Event-ID or ?after=, and then each change")
    @APIResponse(responseCode = "200",
            description = "Entries as the list has them, each told again whenever it changes, without end",
            content = @Content(mediaType = MediaType.SERVER_SENT_EVENTS))
    public void stream(@QueryParam("after") String after, @HeaderParam("Last-Event-ID") String lastEventId,
            @Context RoutingContext http, @Suspended AsyncResponse reply) {
        inbox.stream(lastEventId, after, http);
    }

    private static UUID approvalId(String id) {
        try {
            return UUID.fromString(id);
        } catch (IllegalArgumentException e) {
            throw Problems.invalid("id", "must be the id of an approval");
        }
    }

    private static Optional<ApprovalState> state(String state) {
        if (state == null) {
            return Optional.empty();
        }
        return Optional.of(ApprovalState.of(state).orElseThrow(() -> Problems.invalid("state", "must be one of "
                + Stream.of(ApprovalState.values()).map(ApprovalState::wireName).collect(Collectors.joining(", ")))));
    }
}
