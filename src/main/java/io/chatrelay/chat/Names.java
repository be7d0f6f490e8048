package io.chatrelay.chat;

/**
 * The one rule for what a person or a model chose as a name: an end user, a tool call, an approval. What may ask under a name can be
 * decided under it.
 */
public final class Names {

    /** UTF-16 code units. */
    public static final int LONGEST = 256;

    private Names() {}

    /** Whether it is 1 to {@link #LONGEST} code units of whole characters, none of them a control character, and not blank. */
    public static boolean isName(String text) {
        return !text.isBlank() && text.length() <= LONGEST && text.codePoints()
                .noneMatch(point -> Character.isISOControl(point) || Character.getType(point) == Character.SURROGATE);
    }
}
