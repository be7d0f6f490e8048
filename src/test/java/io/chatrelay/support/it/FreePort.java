package io.chatrelay.support.it;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** For a program that has to be told its port. */
public final class FreePort {

    private FreePort() {}

    /** One on which nothing listened a moment ago. */
    public static int find() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
