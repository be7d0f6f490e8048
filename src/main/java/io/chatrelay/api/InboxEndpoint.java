package io.chatrelay.api;

import java.util.Optional;

import jakarta.enterprise.context.ApplicationScoped;

import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.approval.InboxFeed;
import io.chatrelay.approval.InboxPosition;
import io.chatrelay.limit.CallerLimits;
import io.chatrelay.logging.LogIds;
import io.vertx.core.Context;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;

/** Streams the inbox to those who watch it. */
@ApplicationScoped
class InboxEndpoint {

    private final InboxFeed inbox;
    private final TurnEndpoint turns;
    private final StreamResumer streams;
    private final ApiConfig config;
    private final StreamMetrics metrics;
    private final ObjectMapper json;

    InboxEndpoint(InboxFeed inbox, TurnEndpoint turns, StreamResumer streams, ApiConfig config, StreamMetrics metrics,
            ObjectMapper json) {
        this.inbox = inbox;
        this.turns = turns;
        this.streams = streams;
        this.config = config;
        this.metrics = metrics;
        this.json = json;
    }

    /**
     * Writes the inbox into the response, without further use of this thread.
     *
     * @param lastEventId the header, which takes precedence: an {@code EventSource} sends it with the URL of its first request
     */
    void stream(String lastEventId, String after, RoutingContext http) {
        Optional<InboxPosition> position = lastEventId == null || lastEventId.isEmpty() ? position("after", after)
                : position("Last-Event-ID", lastEventId);
        if (http.request().method() == HttpMethod.HEAD) {
            TurnStream.describe(http.response());
            http.response().end();
            return;
        }
        streams.guarded(http, () -> {
            CallerLimits.OpenStream place = turns.openStream();
            // On the connection's own event loop, which runs all work of one response in sequence.
            Context context = LogIds.ofRequest(RequestId.of(http))
                    .context(((ConnectionBase) http.request().connection()).getContext());
            inbox.follow(turns.scope(), position)
                    .subscribe(new InboxStream(json, config, context, http.response(), metrics, place));
        });
    }

    private static Optional<InboxPosition> position(String field, String text) {
        return text == null ? Optional.empty()
                : Optional.of(InboxPosition.parsed(text)
                        .orElseThrow(() -> Problems.invalid(field, "must be the id of an event as this stream told it")));
    }
}
