package io.chatrelay.api.aisdk;

import java.util.List;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.api.ErrorFormats;
import io.chatrelay.api.protocol.ErrorFormat;
import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.event.Turn;

/** The protocol of the AI SDK's {@code useChat}. An answer as one JSON is a completion, as in the run API that has the same path. */
@ApplicationScoped
class AiSdkProtocol implements Protocol {

    static final String NAME = "ai-sdk";
    static final String CHAT = "/run/api/chat";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public FrameWriter frames(Turn turn, boolean includeUsage) {
        return new AiSdkFrameWriter(turn);
    }

    @Override
    public boolean pauses() {
        return true;
    }

    @Override
    public List<String> paths() {
        return List.of(CHAT);
    }

    @Override
    public ErrorFormat errors() {
        return ErrorFormats.PROBLEM;
    }
}
