package io.chatrelay.dev;

import io.vertx.core.Vertx;

/** The emulator as a process of its own. */
public final class EmulatorMain {

    private static final int DEFAULT_PORT = 4020;

    private EmulatorMain() {}

    /** @param args the port; 4020 if there is none */
    public static void main(String[] args) {
        InkeepEmulator emulator = new InkeepEmulator(Vertx.vertx());
        emulator.listen(args.length > 0 ? Integer.parseInt(args[0]) : DEFAULT_PORT);
        System.out.println("Inkeep Agents at " + emulator.agentsUrl() + ", an old release at " + emulator.legacyUrl()
                + ", Inkeep Cloud at " + emulator.cloudUrl());
    }
}
