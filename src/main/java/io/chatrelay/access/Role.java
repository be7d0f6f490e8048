package io.chatrelay.access;

import java.util.Locale;

/** What a caller may do. A caller may have several; none includes another. */
public enum Role {

    /** Send messages, read, cancel, change and erase the tenant's conversations, and create stream tokens. */
    CHAT,
    /** Decide approvals. */
    APPROVE,
    /** Erase the tenant's conversations, without reading them. */
    OPERATE;

    /** The name in the configuration, in annotations and in errors. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
