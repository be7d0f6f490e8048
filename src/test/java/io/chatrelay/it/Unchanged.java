package io.chatrelay.it;

import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** True while something is what it was when it was asked last. */
final class Unchanged implements Callable<Boolean> {

    private final Supplier<?> asked;
    private Object before;

    Unchanged(Supplier<?> asked) {
        this.asked = asked;
    }

    @Override
    public Boolean call() {
        Object now = asked.get();
        boolean unchanged = now.equals(before);
        before = now;
        return unchanged;
    }
}
