package io.chatrelay.event;

/**
 * The single rule for every name or id that a user or a model chooses and that is not part of this service's URLs: {@code user}, a
 * message's {@code name}, {@code model}, the id of a tool call that requests approval. A name that can be stored can also be queried.
 */
public final class PrintableName {

    /** In UTF-16 units, as almost every JSON Schema validator counts. The name becomes part of rows, answers and indexes. */
    public static final int LONGEST = 256;

    /** The text that follows the field's name in an error. */
    public static final String RULE = "must be 1 to %d printable characters: not blank, no control characters, no half of a surrogate pair"
            .formatted(LONGEST);

    private PrintableName() {}

    /** Whether a text is such a name. Accents and emoji are allowed. */
    public static boolean isName(String text) {
        return text.length() <= LONGEST && !text.isBlank()
                && text.codePoints().noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
    }
}
