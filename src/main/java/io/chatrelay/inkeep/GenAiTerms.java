package io.chatrelay.inkeep;

import java.net.URI;

import io.chatrelay.upstream.Upstream.GenAi;

/** Inkeep in OpenTelemetry's terms. The conventions know no name for it, and ask for one of the provider's own then. */
final class GenAiTerms {

    private static final String PROVIDER = "inkeep";

    private GenAiTerms() {}

    /** @param agent null if it is a model that is asked */
    static GenAi of(String operation, String agent, URI url) {
        return new GenAi(operation, PROVIDER, agent, url.getHost(), Ports.of(url));
    }
}
