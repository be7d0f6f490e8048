package io.chatrelay.dev;

/** What went out. Touched on the event loop only. */
final class Stats {

    private long requests;
    private long streamsOpen;
    private long eventsSent;
    private long bytesSent;

    void request() {
        requests++;
    }

    void streamOpened() {
        streamsOpen++;
    }

    void streamClosed() {
        streamsOpen--;
    }

    void sent(int bytes) {
        eventsSent++;
        bytesSent += bytes;
    }

    String json() {
        return "{\"requests\":" + requests + ",\"streamsOpen\":" + streamsOpen + ",\"eventsSent\":" + eventsSent
                + ",\"bytesSent\":" + bytesSent + "}";
    }
}
