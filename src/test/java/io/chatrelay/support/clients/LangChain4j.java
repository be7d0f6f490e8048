package io.chatrelay.support.clients;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;

/** LangChain4j's streaming client, waited for. */
public final class LangChain4j {

    private static final long PATIENCE_SECONDS = 30;

    private LangChain4j() {}

    /**
     * The whole answer, or what the client throws where it takes it for none.
     *
     * @param url  of OpenAI's paths
     * @param told each piece of text as it comes
     */
    public static ChatResponse ask(String url, String model, String text, Consumer<String> told) throws Exception {
        CompletableFuture<ChatResponse> answered = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder().baseUrl(url).apiKey("dev-key").modelName(model).build().chat(text,
                new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(String piece) {
                        told.accept(piece);
                    }

                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        answered.complete(response);
                    }

                    @Override
                    public void onError(Throwable failure) {
                        answered.completeExceptionally(failure);
                    }
                });
        return answered.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
}
