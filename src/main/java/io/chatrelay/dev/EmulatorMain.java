package io.chatrelay.dev;

import io.vertx.core.Vertx;

/** The emulator as a process of its own: beside a packaged service that is tried without a key of Inkeep. */
public final class EmulatorMain {

    private static final int DEFAULT_PORT = 4020;

    private EmulatorMain() {}

    /** @param args the port, 4020 if there is none; and the address to bind, 127.0.0.1 if there is none */
    public static void main(String[] args) {
        InkeepEmulator emulator = new InkeepEmulator(Vertx.vertx());
        emulator.listen(args.length > 1 ? args[1] : "127.0.0.1", args.length > 0 ? Integer.parseInt(args[0]) : DEFAULT_PORT);
        System.out.println("Inkeep Agents at " + emulator.agentsUrl() + ", an old release at " + emulator.legacyUrl()
                + ", Inkeep Cloud at " + emulator.cloudUrl());
    }
}
