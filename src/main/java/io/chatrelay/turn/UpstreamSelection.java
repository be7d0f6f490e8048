package io.chatrelay.turn;

import java.util.Optional;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.History;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Role;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.Upstreams;

/** Which upstream a command is for, and whether that upstream can be given it. */
@ApplicationScoped
class UpstreamSelection {

    private final Upstreams upstreams;
    private final History history;

    UpstreamSelection(Upstreams upstreams, History history) {
        this.upstreams = upstreams;
        this.history = history;
    }

    /**
     * The upstream of a command.
     *
     * @param known the command's conversation, which belongs to one upstream; empty if it is new
     * @throws ChatException if the command names none, or another
     */
    Upstream of(SendCommand command, Optional<Conversation> known) {
        Optional<Upstream> asked = command.model() == null ? Optional.empty() : upstreams.forModel(command.model());
        if (known.isPresent()) {
            String bound = known.get().upstream;
            Upstream upstream = upstreams.named(bound).orElseThrow(() -> ChatException.invalid("conversationId",
                    "belongs to the upstream '%s', which is no longer configured".formatted(bound)));
            if (asked.isPresent() && !asked.get().name().equals(bound)) {
                throw ChatException.invalid("model",
                        "belongs to the upstream '%s', but the conversation to '%s': start a new conversation for it"
                                .formatted(asked.get().name(), bound));
            }
            if (asked.isEmpty() && command.model() != null && upstreams.fallback().isEmpty()) {
                throw unknownModel();
            }
            return upstream;
        }
        return asked.or(upstreams::fallback).or(this::onlyOne).filter(upstream -> asked.isPresent() || command.model() == null
                || upstreams.fallback().isPresent()).orElseThrow(() -> command.model() == null
                        ? ChatException.invalid("model",
                                "is required: no default upstream is configured. Known: " + knownModels())
                        : unknownModel());
    }

    private Optional<Upstream> onlyOne() {
        return upstreams.all().size() == 1 ? Optional.of(upstreams.all().getFirst()) : Optional.empty();
    }

    private ChatException unknownModel() {
        return ChatException.invalid("model", "is not known. Known: " + knownModels());
    }

    private String knownModels() {
        return String.join(", ", upstreams.all().stream()
                .flatMap(upstream -> Stream.concat(Stream.of(upstream.name()),
                        upstream.models().stream()))
                .toList());
    }

    /** @throws ChatException if the upstream cannot be given the command */
    void check(SendCommand command, Upstream upstream) {
        upstream.refuses(command.asked(), command.askedAt(), command.parameters()).ifPresent(refusal -> {
            throw ChatException.invalid(refusal.field(), refusal.reason());
        });
        if (upstream.remembers() && command.before().stream().anyMatch(said -> said.role() == Role.SYSTEM)) {
            throw ChatException.invalid("messages",
                    "of the role 'system' cannot be given to the upstream '%s': its agent's instructions are its own"
                            .formatted(upstream.name()));
        }
        if (!upstream.remembers()) {
            history.check(command.before(), command.beforeAt());
        }
    }

    /** Whether the command holds answers that only a conversation of the upstream can contain. */
    static boolean needsKnown(SendCommand command, Upstream upstream) {
        return upstream.remembers() && command.before().stream().anyMatch(said -> said.role() == Role.ASSISTANT);
    }
}
