package io.chatrelay.upstream;

/** Who may decide whether a tool is called, of those with the role for decisions. */
public enum Deciders {

    /** Only the end user who asked. */
    REQUESTER,
    /** Only another person than the end user who asked. */
    OTHER,
    /** Everyone. */
    ANYONE
}
