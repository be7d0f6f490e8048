package io.chatrelay.event;

import java.util.Locale;
import java.util.stream.Stream;

/** The author of a message. */
public enum Role {

    SYSTEM,
    USER,
    ASSISTANT,
    TOOL;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The role of that name. An unknown role of a later version gets no more authority than the user. */
    public static Role of(String wireName) {
        return Stream.of(values()).filter(role -> role.wireName().equals(wireName)).findFirst().orElse(USER);
    }
}
