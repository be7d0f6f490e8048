package io.chatrelay.benchmark;

/** What stands between the readers and the emulator. */
enum Target {

    DIRECT("the emulator, direct", "#8b949e"),
    NGINX("nginx", "#3fa45b"),
    PIPE("plain Quarkus pipe", "#4a90d9"),
    GATEWAY("Spring Cloud Gateway", "#9b6bd0"),
    SERVICE("chat-relay", "#e0823d"),
    JOURNAL_OFF("chat-relay, journal off", "#d65a7e");

    private final String title;
    private final String color;

    Target(String title, String color) {
        this.title = title;
        this.color = color;
    }

    String title() {
        return title;
    }

    /** Of its bars: of a middle tone, so that they are seen on white and on black. */
    String color() {
        return color;
    }
}
