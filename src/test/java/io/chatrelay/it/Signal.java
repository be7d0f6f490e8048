package io.chatrelay.it;

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

    void to(List<ProcessHandle> processes) {
        List<String> command = new ArrayList<>(List.of("kill", option));
        processes.forEach(process -> command.add(Long.toString(process.pid())));
        try {
            int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (exit != 0) {
                throw new IllegalStateException(command + " ended with " + exit);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
