package io.chatrelay.dev;

import java.util.IdentityHashMap;
import java.util.Map;

/** The runs that are under way, for tests that have seen what they came for. Touched on the event loop only. */
final class Runs {

    private final Map<Run, String> texts = new IdentityHashMap<>();

    /** @param text the user message that it answers */
    void start(Run run, String text) {
        texts.put(run, text);
        run.whenOver(() -> texts.remove(run));
        run.start();
    }

    /** Lets those that answer such a text go on without any pause. */
    void hurry(String text) {
        texts.entrySet().stream().filter(entry -> entry.getValue().contains(text)).map(Map.Entry::getKey).toList()
                .forEach(Run::hurry);
    }
}
