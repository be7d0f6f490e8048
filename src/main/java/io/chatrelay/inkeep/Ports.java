package io.chatrelay.inkeep;

import java.net.URI;

/** The port of an upstream's address. */
final class Ports {

    private Ports() {}

    static boolean isTls(URI url) {
        return "https".equals(url.getScheme());
    }

    static int of(URI url) {
        return url.getPort() >= 0 ? url.getPort() : isTls(url) ? 443 : 80;
    }
}
