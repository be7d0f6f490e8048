package io.chatrelay.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The bytes of a streamed answer, as they come: for readers of every kind. */
public final class RawAnswer {

    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CompletableFuture<HttpResponse<Void>> answer;

    private RawAnswer(HttpRequest request) {
        answer = HTTP.sendAsync(request, BodyHandlers.ofByteArrayConsumer(this::take));
    }

    static RawAnswer to(HttpRequest request) {
        return new RawAnswer(request);
    }

    private void take(Optional<byte[]> more) {
        more.ifPresent(bytes::writeBytes);
    }

    /** Waits until so much of a text has come. */
    public RawAnswer until(String text, int times) {
        await(text).atMost(PATIENCE).until(() -> answer.isDone() || text().split(text, -1).length > times);
        assertThat(answer.isDone()).as("ended before '%s': %s", text, text()).isFalse();
        return this;
    }

    public RawAnswer toEnd() {
        await("the end of the stream").atMost(PATIENCE).until(answer::isDone);
        return this;
    }

    /** Whether the connection broke, which is not an end. */
    public boolean broken() {
        return answer.isCompletedExceptionally();
    }

    public byte[] bytes() {
        return bytes.toByteArray();
    }

    public String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
