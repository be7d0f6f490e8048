package io.chatrelay.api.openai;

import java.util.List;
import java.util.Optional;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.api.protocol.ErrorFormat;
import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.event.Turn;

/** The protocol of OpenAI's SDKs and of the frameworks that use them. Source: OpenAI's API reference. */
@ApplicationScoped
class OpenAiProtocol implements Protocol {

    static final String NAME = "openai";
    static final String COMPLETIONS = "/run/v1/chat/completions";
    static final String MODELS = "/run/v1/models";
    private static final String RESPONSES = "/run/v1/responses";
    private static final ErrorFormat ERRORS = new ErrorFormat(false, OpenAiError::of);

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public FrameWriter frames(Turn turn, boolean includeUsage) {
        return new OpenAiFrameWriter(turn, includeUsage);
    }

    @Override
    public boolean pauses() {
        return false;
    }

    @Override
    public List<String> paths() {
        return List.of(COMPLETIONS, MODELS, RESPONSES);
    }

    @Override
    public ErrorFormat errors() {
        return ERRORS;
    }

    @Override
    public Optional<String> missing(String path) {
        return path.startsWith(RESPONSES)
                ? Optional.of("There is no Responses API here. Ask POST /run/v1/chat/completions: most clients have a setting"
                        + " for it, such as chat mode, or chat completions.")
                : Optional.empty();
    }
}
