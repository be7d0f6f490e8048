package io.chatrelay.conversation;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;

import io.chatrelay.event.ChatException;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;
import io.chatrelay.event.TurnView;

/** Reads and changes conversations. Those outside of the given scope are not found. */
@ApplicationScoped
public class Conversations {

    private static final String MISSING = "There is no such conversation.";

    private final Conversation.Repository conversations;
    private final Message.Repository messages;
    private final RunningTurnLookup turns;
    private final ConversationConfig bounds;
    private final PageConfig pages;

    Conversations(Conversation.Repository conversations, Message.Repository messages, RunningTurnLookup turns,
            ConversationConfig bounds,
            PageConfig pages) {
        this.conversations = conversations;
        this.messages = messages;
        this.turns = turns;
        this.bounds = bounds;
        this.pages = pages;
    }

    /**
     * A page of the conversations in the scope, newest first, after the conversation with this cursor. Properties above the maximum size are omitted.
     */
    @Transactional
    public ConversationPage list(Scope scope, UUID after, int limit) {
        long most = bounds.maxProperties().asLongValue();
        Map<UUID, Conversation.Sizes> sizes = conversations.sizes(scope, after, limit + 1, most);
        Map<UUID, Long> shown = new LinkedHashMap<>();
        sizes.forEach((id, size) -> shown.put(id, size.title() + (size.properties() <= most ? size.properties() : 0)));
        PageSelection page = PageSelection.of(shown, limit, pages.maxBytes().asLongValue());
        Map<UUID, RawJson> properties = conversations
                .properties(page.ids().stream().filter(id -> sizes.get(id).properties() <= most).toList());
        return new ConversationPage(conversations.newestFirst(page.ids()).stream()
                .map(conversation -> view(conversation, properties.get(conversation.id), null)).toList(), page.more());
    }

    @Transactional
    public ConversationView get(Scope scope, String id) {
        Conversation conversation = find(scope, id);
        return whole(conversation);
    }

    /**
     * A page of the conversation's messages, newest first, before a position. The answer of a running turn is not included.
     *
     * @param limit maximum number of messages; fewer if they are large, and one message whatever its size
     */
    @Transactional
    public MessagePage messages(Scope scope, String id, int beforePosition, int limit) {
        List<Message> found = messages.page(find(scope, id).id, beforePosition, limit + 1, pages.maxBytes().asLongValue());
        boolean more = found.size() > limit || !found.isEmpty() && messages.isOlder(found.getLast());
        return new MessagePage(found.stream().limit(limit).map(Message::view).toList(), more);
    }

    /** A page as in {@link #messages}, but oldest first, after a position. */
    @Transactional
    public MessagePage messagesAfter(Scope scope, String id, int afterPosition, int limit) {
        List<Message> found = messages.pageAfter(find(scope, id).id, afterPosition, limit + 1,
                pages.maxBytes().asLongValue());
        boolean more = found.size() > limit || !found.isEmpty() && messages.isNewer(found.getLast());
        return new MessagePage(found.stream().limit(limit).map(Message::view).toList(), more);
    }

    /**
     * Changes the given values; null leaves a value unchanged.
     *
     * @throws ChatException if the properties exceed the maximum size
     */
    @Transactional
    public ConversationView change(Scope scope, String id, Optional<String> title, RawJson properties) {
        if (properties != null && size(properties) > bounds.maxProperties().asLongValue()) {
            throw ChatException.invalid("properties",
                    "are larger than %d bytes of JSON".formatted(bounds.maxProperties().asLongValue()));
        }
        Conversation conversation = conversations.locked(scope, id).orElseThrow(() -> ChatException.notFound(MISSING));
        if (title != null) {
            conversation.title = title.map(Jsonb::clean).orElse(null);
        }
        if (properties != null) {
            RawJson cleaned = Jsonb.clean(properties);
            conversation.changeProperties(cleaned, size(cleaned));
        }
        conversation.updatedAt = Instant.now();
        return whole(conversation);
    }

    private Conversation find(Scope scope, String id) {
        return conversations.of(scope, id).orElseThrow(() -> ChatException.notFound(MISSING));
    }

    private static int size(RawJson json) {
        return json.text().getBytes(StandardCharsets.UTF_8).length;
    }

    private ConversationView whole(Conversation conversation) {
        return view(conversation, conversation.properties(),
                turns.running(conversation.id, conversation.externalId).orElse(null));
    }

    private static ConversationView view(Conversation conversation, RawJson properties, TurnView running) {
        return new ConversationView(conversation.externalId, conversation.id, conversation.title,
                properties, conversation.upstream, conversation.endUser, conversation.createdAt,
                conversation.updatedAt, running);
    }
}
