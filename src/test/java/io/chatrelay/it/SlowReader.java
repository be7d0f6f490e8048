package io.chatrelay.it;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

import io.chatrelay.support.HttpLine;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.SseParser;

/** A reader that asks and then reads nothing until it is told to: a bare socket with a tiny buffer, and no thread. */
final class SlowReader implements AutoCloseable {

    private static final int RECEIVE_BUFFER = 2048;

    private final Socket socket = new Socket();

    private SlowReader(URI api, String path) throws IOException {
        // Before the connection is made, for its window is agreed upon then.
        socket.setReceiveBufferSize(RECEIVE_BUFFER);
        socket.connect(new InetSocketAddress(api.getHost(), api.getPort()));
        String request = "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n".formatted(path, api.getAuthority(),
                RelayClient.KEY);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    }

    /**
     * Asks for a turn from its beginning, whether it still runs or not. As OpenAI's chunks, the longer frames: the kernel alone
     * takes up to 4 MB for a reader that does not read.
     */
    static SlowReader of(RelayProcess relay, String conversation, UUID turn) {
        try {
            return new SlowReader(relay.api(),
                    "/run/v1/conversations/%s/stream?wire=openai&turn=%s".formatted(conversation, turn));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads everything now, to the end of the answer, and gives the numbers of its events. */
    List<Long> readIds() {
        try (InputStream in = new BufferedInputStream(socket.getInputStream())) {
            String status = HttpLine.read(in);
            if (!status.contains(" 200 ")) {
                throw new IllegalStateException(status);
            }
            while (!HttpLine.read(in).isEmpty()) {
                // The head says nothing that is asked for.
            }
            return SseParser.events(body(in)).stream().filter(event -> !event.id().isEmpty()).map(SseEvent::number).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A chunked body; one that is cut off is an error. */
    private static byte[] body(InputStream in) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        int size;
        while ((size = Integer.parseInt(HttpLine.read(in), 16)) > 0) {
            body.writeBytes(in.readNBytes(size));
            HttpLine.read(in);
        }
        return body.toByteArray();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
