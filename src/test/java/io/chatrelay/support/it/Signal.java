package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** The signals that Java cannot send. */
enum Signal {

    /** A process that gets it does nothing at all, and learns nothing of it. */
    STOP("-STOP"),
    CONTINUE("-CONT");

    private final String option;

    Signal(String option) {
        this.option = option;
    }

    /** Sends it to each; one that ends meanwhile needs none. */
    void to(List<ProcessHandle> processes) {
        List<ProcessHandle> left = processes;
        while (!left.isEmpty() && !isSent(left)) {
            List<ProcessHandle> alive = left.stream().filter(ProcessHandle::isAlive).toList();
            if (alive.size() == left.size()) {
                throw new IllegalStateException("kill %s failed for one of %s".formatted(option, left));
            }
            left = alive;
        }
    }

    private boolean isSent(List<ProcessHandle> processes) {
        List<String> command = new ArrayList<>(List.of("kill", option));
        processes.forEach(process -> command.add(Long.toString(process.pid())));
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
