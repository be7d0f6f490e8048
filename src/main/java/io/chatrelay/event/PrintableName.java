package io.chatrelay.event;

/**
 * The one rule for every name or id that a person or a model chose and that is not an address of ours: {@code user}, a message's
 * {@code name}, {@code model}, the id of a tool call that asks for approval. Whatever may be stored under it may be asked for by it.
 */
public final class PrintableName {

    /** In UTF-16 units, as every JSON Schema validator but the pedantic counts. It becomes part of rows, answers and indexes. */
    public static final int LONGEST = 256;

    /** What a refusal says after the field's name. */
    public static final String RULE = "must be 1 to %d printable characters: not blank, no control characters, no half of a surrogate pair"
            .formatted(LONGEST);

    private PrintableName() {}

    /** Whether a text is such a name. Accents and emoji are. */
    public static boolean isName(String text) {
        return text.length() <= LONGEST && !text.isBlank()
                && text.codePoints().noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
    }
}
