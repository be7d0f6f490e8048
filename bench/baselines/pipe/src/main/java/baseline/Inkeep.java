package baseline;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

import org.eclipse.microprofile.rest.client.inject.RegisterRestClient;

import io.smallrye.mutiny.Multi;

/** The upstream as Quarkus' guide to the REST client has it: each event's data as a string. */
@RegisterRestClient(configKey = "inkeep")
@Path("/run/api/chat")
public interface Inkeep {

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.SERVER_SENT_EVENTS)
    Multi<String> chat(@HeaderParam("authorization") String authorization, String body);
}
