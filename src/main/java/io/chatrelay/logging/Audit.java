package io.chatrelay.logging;

import java.util.regex.Pattern;

import org.jboss.logging.Logger;

/**
 * One line of the audit log: who decided, who erased, and who was refused. The log is a category of its own, {@value #CATEGORY}, so that an operator
 * can keep it elsewhere and for longer. No line has content of a conversation or a credential.
 */
public final class Audit {

    public static final String CATEGORY = "io.chatrelay.audit";

    private static final Logger LOG = Logger.getLogger(CATEGORY);
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9._:/@~%+{}-]+");
    /** A path, and a name that callers or models choose, may be longer. */
    private static final int LONGEST = 256;

    private final StringBuilder line;

    private Audit(String event) {
        line = new StringBuilder(event);
    }

    public static Audit of(String event) {
        return new Audit(event);
    }

    /** A null value is left out. A value cannot look like another field or another line, whoever chose it. */
    public Audit with(String name, Object value) {
        if (value != null) {
            line.append(' ').append(name).append('=');
            append(value.toString());
        }
        return this;
    }

    private void append(String value) {
        if (value.length() <= LONGEST && PLAIN.matcher(value).matches()) {
            line.append(value);
            return;
        }
        line.append('"');
        value.codePoints().limit(LONGEST).forEach(c -> {
            if (c == '"' || c == '\\' || !isPrintable(c)) {
                line.append("\\u{").append(Integer.toHexString(c)).append('}');
            } else {
                line.appendCodePoint(c);
            }
        });
        line.append(value.codePoints().skip(LONGEST).findAny().isPresent() ? "…\"" : "\"");
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR, Character.UNASSIGNED, Character.PRIVATE_USE -> false;
            default -> true;
        };
    }

    public void log() {
        LOG.info(line);
    }
}
