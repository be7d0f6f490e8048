package io.chatrelay.defect;

import java.sql.SQLException;

/**
 * A stack trace without the messages of its exceptions: the messages of a parser or of the database quote their input, which is user content. Class
 * names and frames come from the code only.
 */
public final class Trace {

    private static final int FRAMES = 24;
    private static final int CAUSES = 5;

    private Trace() {}

    /** As many lines as necessary; the first is the class of the exception. */
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

    /** The JVM omits the frames of exceptions that it throws often. */
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
