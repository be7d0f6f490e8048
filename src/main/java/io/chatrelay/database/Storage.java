package io.chatrelay.database;

/** What those who only tell of a failure need to know of the database. */
public final class Storage {

    private Storage() {}

    /** Whether it failed because of the state of the database or of this process' pool, which is no defect, and may succeed later. */
    public static boolean isAway(Throwable failure) {
        return SqlErrors.isAway(failure);
    }
}
