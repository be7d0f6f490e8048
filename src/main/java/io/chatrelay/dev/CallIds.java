package io.chatrelay.dev;

import java.util.Arrays;
import java.util.Optional;

/** How a model numbers its calls. The recorded one never uses an id again; others do, in a turn and in the conversation's next turns. */
enum CallIds {

    /** Each call has an id of its own. */
    OWN("own-ids"),

    /** The calls of a step are numbered from 0, and those of the next step again. */
    BY_STEP("ids-by-step"),

    /** Each call has the same id. */
    ONE("one-id");

    private final String word;

    CallIds(String word) {
        this.word = word;
    }

    static Optional<CallIds> named(String word) {
        return Arrays.stream(values()).filter(ids -> ids.word.equals(word)).findFirst();
    }

    /**
     * @param conversation whose calls they are: what it uses again, no other conversation uses
     * @param step         that no other has
     */
    String id(String conversation, int step, int index) {
        return switch (this) {
            case OWN -> "call_fake_" + step + "_" + index;
            case BY_STEP -> "call_" + conversation + "_" + index;
            case ONE -> "call_" + conversation;
        };
    }
}
