package io.chatrelay;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;

import org.eclipse.microprofile.openapi.annotations.Operation;

import io.smallrye.common.annotation.RunOnVirtualThread;

/** Has a defect. */
@Path("/run/test/broken")
public class FailingResource {

    @GET
    @RunOnVirtualThread
    @Operation(hidden = true)
    public void fail() {
        throw new IllegalStateException("a defect");
    }
}
