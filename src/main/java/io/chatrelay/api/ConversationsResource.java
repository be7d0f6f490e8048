package io.chatrelay.api;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

import jakarta.annotation.security.RolesAllowed;
import jakarta.validation.constraints.Pattern;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.container.Suspended;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import io.chatrelay.access.Caller;
import io.chatrelay.access.Roles;
import io.chatrelay.approval.ApprovalView;
import io.chatrelay.approval.Approvals;
import io.chatrelay.conversation.ConversationPage;
import io.chatrelay.conversation.ConversationView;
import io.chatrelay.conversation.Conversations;
import io.chatrelay.conversation.MessagePage;
import io.chatrelay.conversation.MessageView;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.TurnView;
import io.chatrelay.logging.Audit;
import io.chatrelay.turn.Cancellation;
import io.chatrelay.turn.StoredTurns;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;

/** The tenant's conversations. */
@Path("/run/v1/conversations")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
@Tag(name = "Conversations")
@RolesAllowed(Roles.CHAT)
public class ConversationsResource {

    private static final int LONGEST_TITLE = 500;
    /** The widget sends this header; it does not request messages, but reads them. Source: Inkeep's widget. */
    private static final String WIDGET = "x-inkeep-app-id";

    /**
     * @param omitted  the names of members that are too large for a list; the request for a single conversation returns them
     * @param messages in the format of {@code useChat}, if requested
     * @param data     the same data again, in the member that the widget reads. Source: Inkeep's widget
     */
    @RegisterForReflection
    public record ConversationReply(String id, String title, RawJson properties, List<String> omitted, String upstream,
            String user, Instant createdAt, Instant updatedAt, TurnView runningTurn, List<MessageReply> messages, Detail data) {

        /** Source: Inkeep's answer to {@code GET /run/v1/conversations/{id}}. */
        @RegisterForReflection
        public record Detail(String id, String title, Instant createdAt, Instant updatedAt, List<MessageReply> messages) {}

        static ConversationReply of(ConversationView view) {
            return new ConversationReply(view.id(), view.title(), view.properties(),
                    view.properties() == null ? List.of("properties") : null, view.upstream(), view.endUser(),
                    view.createdAt(), view.updatedAt(), view.running(), null, null);
        }

        ConversationReply with(List<MessageReply> told) {
            return new ConversationReply(id, title, properties, omitted, upstream, user, createdAt, updatedAt, runningTurn,
                    told,
                    new Detail(id, title, createdAt, updatedAt, told));
        }
    }

    /**
     * The approvals that wait for a decision. Source: Inkeep's {@code pending-approvals}, which returns only one.
     *
     * @param approval  the first one requested
     * @param approvals all of them
     */
    @RegisterForReflection
    public record PendingReply(boolean hasPending, Pending approval, List<ApprovalView> approvals) {

        /** @param isDelegated whether a sub-agent requested it: unknown to this service */
        @RegisterForReflection
        public record Pending(String toolCallId, String toolName, RawJson args, boolean isDelegated, Instant updatedAt) {}

        static PendingReply of(List<ApprovalView> open) {
            if (open.isEmpty()) {
                return new PendingReply(false, null, null);
            }
            ApprovalView first = open.getFirst();
            return new PendingReply(true,
                    new Pending(first.toolCallId(), first.toolName(), first.input(), false, first.askedAt()),
                    open.stream().map(ApprovalView::withoutHistory).toList());
        }
    }

    /**
     * A turn that is being cancelled, in its state when the cancellation was stored.
     *
     * @param upstreamMayBeRunning whether its upstream cannot be stopped: its further output is ignored
     */
    @RegisterForReflection
    public record StoppingReply(UUID id, String conversationId, String state, String outcome, String finishReason,
            long lastEvent,
            Instant startedAt, Instant endedAt, boolean upstreamMayBeRunning) {

        static StoppingReply of(Cancellation.Asked asked) {
            TurnView turn = asked.turn();
            return new StoppingReply(turn.id(), turn.conversationId(), turn.state(), turn.outcome(), turn.finishReason(),
                    turn.lastEvent(), turn.startedAt(), turn.endedAt(), asked.mayGoOnUpstream());
        }
    }

    private final Conversations conversations;
    private final StoredTurns storedTurns;
    private final Approvals approvals;
    private final TurnEndpoint turns;
    private final StreamResumer resumer;

    ConversationsResource(Conversations conversations, StoredTurns storedTurns, Approvals approvals, TurnEndpoint turns,
            StreamResumer resumer) {
        this.conversations = conversations;
        this.storedTurns = storedTurns;
        this.approvals = approvals;
        this.turns = turns;
        this.resumer = resumer;
    }

    @GET
    @Operation(summary = "The tenant's conversations, newest first")
    public Page<ConversationReply> list(
            @Parameter(schema = @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "100",
                    defaultValue = "20")) @QueryParam("limit") @Pattern(regexp = Rules.LIMIT,
                            message = Rules.LIMIT_REASON) String limit,
            @QueryParam("cursor") String cursor) {
        int size = Page.limit(limit);
        ConversationPage found = conversations.list(turns.scope(), Page.idCursor(cursor), size);
        List<ConversationView> views = found.conversations();
        return new Page<>(views.stream().map(ConversationReply::of).toList(),
                found.more() && !views.isEmpty() ? views.getLast().cursor().toString() : null);
    }

    @GET
    @Path("/{id}")
    @Operation(summary = "One conversation, with the turn that runs in it")
    @APIResponse(responseCode = "200", description = "It; with ?include=messages its newest messages, oldest first, too")
    public ConversationReply get(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id,
            @QueryParam("include") @Pattern(regexp = "messages", message = "can only be messages") String include,
            @HeaderParam(WIDGET) String widget) {
        ConversationReply conversation = ConversationReply.of(conversations.get(turns.scope(), id));
        if (include == null && widget == null) {
            return conversation;
        }
        MessagePage newest = conversations.messages(turns.scope(), id, Integer.MAX_VALUE, Page.MOST);
        return conversation.with(newest.messages().reversed().stream().map(view -> MessageReply.of(id, view)).toList());
    }

    @GET
    @Path("/{id}/messages")
    @Operation(summary = "Its messages as useChat takes them, newest first, or oldest first with ?order=asc")
    public Page<MessageReply> messages(
            @PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id,
            @Parameter(schema = @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "100",
                    defaultValue = "20")) @QueryParam("limit") @Pattern(regexp = Rules.LIMIT,
                            message = Rules.LIMIT_REASON) String limit,
            @QueryParam("cursor") @Pattern(regexp = Rules.PLACE, message = Rules.CURSOR_REASON) String cursor,
            @QueryParam("order") @Pattern(regexp = "asc|desc", message = "must be asc or desc") String order) {
        int size = Page.limit(limit);
        MessagePage found = "asc".equals(order)
                ? conversations.messagesAfter(turns.scope(), id, Page.placeCursor(cursor, 0), size)
                : conversations.messages(turns.scope(), id, Page.placeCursor(cursor, Integer.MAX_VALUE), size);
        List<MessageView> views = found.messages();
        return new Page<>(views.stream().map(view -> MessageReply.of(id, view)).toList(),
                found.more() ? Integer.toString(views.getLast().position()) : null);
    }

    @GET
    @Path("/{id}/pending-approvals")
    @RolesAllowed({ Roles.CHAT, Roles.APPROVE })
    @Operation(summary = "What waits for a decision in the running turn")
    public PendingReply pendingApprovals(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id) {
        return PendingReply.of(
                storedTurns.running(turns.scope(), id).map(turn -> approvals.open(turn.id())).orElse(List.of()));
    }

    @PATCH
    @Path("/{id}")
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Changes title and properties; what is not named stays")
    public ConversationReply change(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id,
            InputStream body, @Context HttpHeaders headers) {
        try (RequestBodies.Read read = turns.body(body, headers)) {
            return change(id, read.json());
        }
    }

    private ConversationReply change(String id, JsonBody change) {
        change.names().stream().filter(name -> !name.equals("title") && !name.equals("properties")).findFirst()
                .ifPresent(name -> {
                    throw change.wrong(name, "cannot be changed: title and properties can");
                });
        String title = change.text("title");
        if (title != null && title.length() > LONGEST_TITLE) {
            throw change.wrong("title", "is longer than %d characters".formatted(LONGEST_TITLE));
        }
        RawJson properties = change.object("properties") == null ? null : change.raw("properties");
        return ConversationReply.of(conversations.change(turns.scope(), id,
                change.node().has("title") ? Optional.ofNullable(title) : null, properties));
    }

    @DELETE
    @Path("/{id}")
    @RolesAllowed({ Roles.CHAT, Roles.OPERATE })
    @Operation(summary = "Erases it with its messages, turns and events; 409 while a turn runs")
    public void delete(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id) {
        storedTurns.delete(turns.scope(), id);
        Caller caller = turns.caller();
        Audit.of("erased").with("conversation", id).with("tenant", caller.tenant()).with("caller", caller.name())
                .with("user", caller.endUser()).log();
    }

    @POST
    @Path("/{id}/cancel")
    @Operation(summary = "Stops the running turn, on whatever replica it runs; what came of it is kept")
    @RequestBody(required = false,
            content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(ref = "CancelRequest")))
    @APIResponse(responseCode = "202", description = "It is stored that the turn has to end")
    @APIResponse(responseCode = "409", description = "no_running_turn: it has ended by itself, or there is none")
    public Response cancel(@PathParam("id") @Pattern(regexp = Rules.ID, message = Rules.ID_REASON) String id, InputStream in,
            @Context HttpHeaders headers) {
        try (RequestBodies.Read read = turns.bodyIfAny(in, headers)) {
            return cancel(id, read.json());
        }
    }

    private Response cancel(String id, JsonBody body) {
        body.names().stream().filter(name -> !name.equals("turnId")).findFirst().ifPresent(name -> {
            throw body.wrong(name, "is not known here: turnId is");
        });
        UUID turn = body.has("turnId") ? StreamPosition.turnId("turnId", body.text("turnId")) : null;
        return Response.accepted(StoppingReply.of(turns.cancel(id, turn))).build();
    }

    @GET
    @Path("/{id}/stream")
    @RolesAllowed({ Roles.CHAT, Roles.STREAM_TOKEN })
    @Produces(MediaType.WILDCARD)
    @Operation(summary = "Takes up the running turn, or the rest of one after Last-Event-ID or ?after=; ?turn= replays any")
    @APIResponse(responseCode = "200", description = "The turn's events")
    @APIResponse(responseCode = "204", description = "There is nothing (more) to read")
    public void stream(@PathParam("id") String id, @QueryParam("after") String after, @QueryParam("turn") String turn,
            @QueryParam("wire") String wire, @QueryParam("include_usage") String usage,
            @QueryParam("approvals") String atApproval,
            @HeaderParam("Last-Event-ID") String lastEventId, @Context RoutingContext http, @Suspended AsyncResponse reply) {
        resumer.read(id, new StreamPosition(lastEventId, after, turn, wire, usage, atApproval), ApprovalBehavior.WAIT,
                http, reply);
    }
}
