package io.chatrelay.inkeep;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

import org.jboss.resteasy.reactive.RestResponse;

import io.chatrelay.inkeep.RunApiMessages.DecisionAnswer;
import io.chatrelay.inkeep.RunApiMessages.DecisionMessage;
import io.chatrelay.inkeep.RunApiMessages.ExecutionDecision;
import io.chatrelay.inkeep.RunApiMessages.LegacyDecision;
import io.chatrelay.inkeep.RunApiMessages.PendingApprovals;
import io.smallrye.mutiny.Uni;

/**
 * The calls of Inkeep's run API whose answers are short. {@link RunApiCalls} makes them. Source: the run API of inkeep/agents, as recorded.
 * Streams are read by {@link InkeepClient}.
 */
@Path("/")
@Consumes(MediaType.APPLICATION_JSON)
@Produces(MediaType.WILDCARD)
interface InkeepRunApi extends AutoCloseable {

    /** Delivers a decision to a classic run, which continues in its own stream. */
    @POST
    @Path("api/chat")
    Uni<RestResponse<DecisionAnswer>> decide(GuardedRequest<DecisionMessage> decision);

    /** Delivers a decision to a server until March 2026. Later servers do not have this route. */
    @POST
    @Path("api/tool-approvals")
    Uni<RestResponse<DecisionAnswer>> decideLegacy(GuardedRequest<LegacyDecision> decision);

    /** Delivers a decision to a durable run. */
    @POST
    @Path("api/executions/{run}/approvals/{call}")
    Uni<RestResponse<DecisionAnswer>> decideExecution(@PathParam("run") String run, @PathParam("call") String call,
            GuardedRequest<ExecutionDecision> decision);

    /** The call for which a durable run of the conversation waits. @param traceparent null, as the state, if the turn is not traced */
    @GET
    @Path("v1/conversations/{conversation}/pending-approvals")
    Uni<RestResponse<PendingApprovals>> pendingApprovals(@PathParam("conversation") String conversation,
            @HeaderParam(TraceHeaders.PARENT) String traceparent, @HeaderParam(TraceHeaders.STATE) String tracestate);

    /** Closes the connections. */
    @Override
    void close();
}
