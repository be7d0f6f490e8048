package io.chatrelay;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;

/** A caller that sends one message after another into one conversation, whatever comes of it. */
final class FlappingCaller {

    /** What is answered to each. */
    static final String WHOLE = IntStream.range(0, 40).mapToObj(i -> "word" + i).collect(Collectors.joining(" "));

    private final Relay relay;
    private final String upstream;
    private final String path;
    private final boolean stream;
    private final ObjectNode question;
    private final List<Sse> answers = new CopyOnWriteArrayList<>();
    private volatile boolean finished;

    FlappingCaller(Relay relay, String upstream, String path, boolean stream) {
        this.relay = relay;
        this.upstream = upstream;
        this.path = path;
        this.stream = stream;
        this.question = Json.ask(ServiceTest.newId(), "slow 20").put("model", upstream).put("stream", stream);
    }

    void sendOneAfterAnother() {
        while (!finished) {
            sendOnceMore();
        }
    }

    void sendOnceMore() {
        answers.add(relay.send(path, question).toEnd());
    }

    /** After the answer that it waits for. */
    void finish() {
        finished = true;
    }

    String upstream() {
        return upstream;
    }

    String path() {
        return path;
    }

    List<Sse> answers() {
        return answers;
    }

    /** Whether it was told that this is a whole answer. */
    boolean completed(Sse answer) {
        return answer.status() == 200
                && (stream ? answer.done() : answer.json().at("/choices/0/finish_reason").asText().equals("stop"));
    }

    String text(Sse answer) {
        return stream ? answer.answer() : answer.json().at("/choices/0/message/content").asText();
    }
}
