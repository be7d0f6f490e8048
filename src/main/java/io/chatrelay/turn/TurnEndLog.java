package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import org.jboss.logging.Logger;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Turn;

/** Logs how each turn ended. */
@ApplicationScoped
class TurnEndLog implements TurnListener {

    private static final Logger LOG = Logger.getLogger(TurnEndLog.class);

    @Override
    public void ended(Turn turn, Ended ended) {
        LOG.infof("turn %s ended: conversation=%s caller=%s outcome=%s reason=%s code=%s", turn.id(), turn.conversationId(),
                turn.caller(), ended.outcome().wireName(),
                ended.finishReason() == null ? "-" : ended.finishReason().wireName(),
                ended.failure() == null ? "-" : ended.failure().name());
    }
}
