package io.chatrelay.inkeep;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.event.UntrustedJsonFactory;

/**
 * Parses Inkeep's JSON into trees of bounded size: a megabyte of empty objects becomes a hundred megabytes of nodes, and a dozen turns parse at
 * the same time.
 */
final class BoundedJson {

    /** Maximum number of values, names and brackets in one frame or answer. A tool's output of a megabyte has about ten thousand. */
    static final int MOST_VALUES = 200_000;

    static final JsonFactory FACTORY = UntrustedJsonFactory
            .builder(StreamReadConstraints.builder().maxTokenCount(MOST_VALUES).build()).build();

    private BoundedJson() {}

    static boolean isEmpty(JsonNode value) {
        return value.isMissingNode() || value.isNull() || value.isContainerNode() && value.isEmpty()
                || value.isTextual() && value.asText().isEmpty();
    }
}
