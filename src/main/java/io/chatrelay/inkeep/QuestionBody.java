package io.chatrelay.inkeep;

import io.vertx.core.buffer.Buffer;

/**
 * The body of the request that asks for an answer, as long as it may be sent. Once the answer streams nothing sends it again, and with a conversation
 * or images in it, it is larger than all the rest of a stream that may be open for an hour.
 */
final class QuestionBody {

    private volatile Buffer bytes;

    QuestionBody(Buffer bytes) {
        this.bytes = bytes;
    }

    /** Null once it is let go. */
    Buffer bytes() {
        return bytes;
    }

    void letGo() {
        bytes = null;
    }
}
