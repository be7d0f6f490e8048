package io.chatrelay.event;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.StreamReadConstraints;

/**
 * Builds the factories of parsers for JSON whose names come from callers or upstreams. Jackson keeps the names of all parsers of a factory in one shared table, and
 * rejects a name that collides with too many others. One caller's names could then cause the rejection of other callers' requests.
 * So these factories have no such table.
 */
public final class UntrustedJsonFactory {

    private UntrustedJsonFactory() {}

    /** A factory with these limits. */
    public static JsonFactoryBuilder builder(StreamReadConstraints bounds) {
        return (JsonFactoryBuilder) JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES).streamReadConstraints(bounds);
    }
}
