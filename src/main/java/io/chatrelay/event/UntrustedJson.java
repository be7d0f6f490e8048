package io.chatrelay.event;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.StreamReadConstraints;

/**
 * How JSON is read whose names somebody else chose. Jackson keeps the names that it has seen in a table that all parsers of a
 * factory share, and refuses a name that collides with too many: one caller's names would make other callers' requests be
 * refused. So the factories made here keep no such table.
 */
public final class UntrustedJson {

    private UntrustedJson() {}

    /** A factory that reads within these bounds. */
    public static JsonFactoryBuilder factory(StreamReadConstraints bounds) {
        return (JsonFactoryBuilder) JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES).streamReadConstraints(bounds);
    }
}
