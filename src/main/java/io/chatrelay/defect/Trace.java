package io.chatrelay.defect;

import java.sql.SQLException;

/**
 * A stack trace without the messages of its exceptions: those of a parser or of the database quote what they met, and that is what
 * a user wrote. Classes and frames are the code's own.
 */
public final class Trace {

    private static final int FRAMES = 24;
    private static final int CAUSES = 5;

    private Trace() {}

    /** As many lines as it takes; the first is the class of what was thrown. */
    public static String of(Throwable thrown) {
        StringBuilder out = new StringBuilder(512);
        String separator = "";
        Throwable cause = thrown;
        for (int depth = 0; cause != null && depth < CAUSES; depth++) {
            out.append(separator).append(cause.getClass().getName());
            if (cause instanceof SQLException sql) {
                out.append(" [").append(sql.getSQLState()).append(']');
            }
            frames(cause.getStackTrace(), out);
            separator = "\ncaused by ";
            cause = cause.getCause();
        }
        return out.toString();
    }

    /** A virtual machine leaves the frames out of what it throws often. */
    private static void frames(StackTraceElement[] frames, StringBuilder out) {
        if (frames.length == 0) {
            out.append(" (without a trace)");
        }
        for (int i = 0; i < Math.min(frames.length, FRAMES); i++) {
            out.append("\n\tat ").append(frames[i]);
        }
        if (frames.length > FRAMES) {
            out.append("\n\t… ").append(frames.length - FRAMES).append(" more");
        }
    }
}
