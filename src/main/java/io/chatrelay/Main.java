package io.chatrelay;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;

/**
 * Starts the service. In production what an operator has to set is {@linkplain StartCheck looked at} first: what is missing is one line on
 * the console and exit code 1. In dev and test whatever is missing is stood in for.
 */
@QuarkusMain
public final class Main {

    Main() {}

    public static void main(String... args) {
        if (isPackaged()) {
            try {
                StartCheck.all();
            } catch (StartCheck.Unfit e) {
                System.err.println("chat-relay cannot start: " + e.getMessage());
                System.exit(1);
            }
        }
        Quarkus.run(args);
    }

    /** Quarkus tells its launch mode only once it starts; but dev and test load the service with a class loader of their own. */
    private static boolean isPackaged() {
        return !Main.class.getClassLoader().getClass().getName().startsWith("io.quarkus.bootstrap.classloading.");
    }
}
