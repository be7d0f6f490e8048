package io.chatrelay.inkeep;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.event.UntrustedJson;

/**
 * Reads what an Inkeep says into trees of bounded size: a megabyte of empty objects is a hundred megabytes of nodes, and a dozen turns read
 * at the same time.
 */
final class BoundedJson {

    /** Values, names and brackets of one frame or answer. A tool's output of a megabyte has some ten thousand. */
    static final int MOST_VALUES = 200_000;

    static final JsonFactory FACTORY = UntrustedJson
            .factory(StreamReadConstraints.builder().maxTokenCount(MOST_VALUES).build()).build();

    private BoundedJson() {}

    static boolean isEmpty(JsonNode value) {
        return value.isMissingNode() || value.isNull() || value.isContainerNode() && value.isEmpty()
                || value.isTextual() && value.asText().isEmpty();
    }
}
