package io.chatrelay.event;

import java.util.Locale;
import java.util.stream.Stream;

/** Who speaks in a message. */
public enum Role {

    SYSTEM,
    USER,
    ASSISTANT,
    TOOL;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The role of that name. One that only a later version knows speaks with no more authority than the user. */
    public static Role of(String wireName) {
        return Stream.of(values()).filter(role -> role.wireName().equals(wireName)).findFirst().orElse(USER);
    }
}
