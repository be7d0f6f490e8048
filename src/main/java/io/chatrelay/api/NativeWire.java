package io.chatrelay.api;

import io.chatrelay.chat.ApprovalView;
import io.chatrelay.chat.TurnView;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * What is written by reflection, named for a native image: the framework sees what resources return, but not what travels inside a
 * problem's members or a page.
 */
@RegisterForReflection(targets = { TurnView.class, ApprovalView.class, ApprovalView.Step.class, Page.class,
        ConversationsResource.ConversationReply.class, ConversationsResource.ConversationReply.Detail.class,
        MessageReply.class, MessageReply.Metadata.class, ErrorShape.OpenAiError.class, ConversationsResource.PendingReply.class,
        ConversationsResource.PendingReply.Pending.class, DecisionResource.Reply.class, ChatResource.Results.class,
        ChatResource.Result.class, ModelsResource.Models.class, ModelsResource.Model.class })
final class NativeWire {

    private NativeWire() {}
}
