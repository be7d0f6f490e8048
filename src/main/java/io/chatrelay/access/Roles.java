package io.chatrelay.access;

/** The names of the roles, for annotations. */
public final class Roles {

    public static final String CHAT = "chat";
    public static final String APPROVE = "approve";
    public static final String OPERATE = "operate";
    /** The role of a reader with a stream token in place of a key. No key can have it. */
    public static final String STREAM_TOKEN = "stream-token";

    private Roles() {}
}
