package io.chatrelay.api;

import java.util.concurrent.Semaphore;

/**
 * The memory that all bodies share while they are read. The first bytes of each body have a separate share, so that a chat request of a few
 * kilobytes can be read while other callers send images, or send them slowly.
 */
final class BodyBudget {

    /** The memory of one node in Jackson's tree, names included. */
    static final int BYTES_PER_VALUE = 100;
    private static final int FIRST_BYTES = 64 * 1024;
    private static final int SHARE_OF_FIRST_BYTES = 4;

    /** The memory that one request has acquired. It belongs to one thread. */
    final class Lease implements AutoCloseable {

        private int ofFirst;
        private int ofRest;

        private Lease() {}

        /** Acquires more bytes. False if they are not available: the lease then stays unchanged. */
        boolean grow(long bytes) {
            int small = (int) Math.min(bytes, FIRST_BYTES - ofFirst);
            if (!first.tryAcquire(small)) {
                small = 0;
            }
            long large = bytes - small;
            if (large > Integer.MAX_VALUE || !rest.tryAcquire((int) large)) {
                first.release(small);
                return false;
            }
            ofFirst += small;
            ofRest += (int) large;
            return true;
        }

        @Override
        public void close() {
            first.release(ofFirst);
            rest.release(ofRest);
            ofFirst = 0;
            ofRest = 0;
        }
    }

    private final Semaphore first;
    private final Semaphore rest;

    BodyBudget(long bytes) {
        int all = (int) Math.min(bytes, Integer.MAX_VALUE);
        first = new Semaphore(all / SHARE_OF_FIRST_BYTES);
        rest = new Semaphore(all - all / SHARE_OF_FIRST_BYTES);
    }

    Lease open() {
        return new Lease();
    }
}
