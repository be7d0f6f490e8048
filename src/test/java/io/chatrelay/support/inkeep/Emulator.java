package io.chatrelay.support.inkeep;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Relay;

/** What the emulated Inkeep was really asked. */
public final class Emulator {

    private final URI address;
    private final Relay control;

    public Emulator(URI address) {
        this.address = address;
        control = new Relay(address, "nobody");
    }

    URI address() {
        return address;
    }

    /** The chat requests whose newest user message contains a text, oldest first. */
    public List<JsonNode> asked(String text) {
        return list("text=" + URLEncoder.encode(text, StandardCharsets.UTF_8));
    }

    /** The chat requests of a conversation, by the id that Inkeep was given. */
    public List<JsonNode> askedIn(String conversationId) {
        return list("conversationId=" + conversationId);
    }

    /** The requests that name a call, oldest first. */
    public List<JsonNode> naming(String toolCallId) {
        return list("toolCallId=" + toolCallId);
    }

    /** Streams that somebody reads. */
    public long streamsOpen() {
        return control.get("/emulator/stats").json().path("streamsOpen").asLong();
    }

    /** Lets the answers that are under way to a text with this mark go on without pauses: what was to be seen while they run was seen. */
    public void hurry(String mark) {
        int status = control.post("/emulator/hurry?text=" + URLEncoder.encode(mark, StandardCharsets.UTF_8), "").status();
        if (status != 204) {
            throw new IllegalStateException("The emulator answered " + status);
        }
    }

    private List<JsonNode> list(String query) {
        List<JsonNode> requests = new ArrayList<>();
        control.get("/emulator/requests?" + query).json().forEach(requests::add);
        return requests;
    }
}
