package io.chatrelay.crash;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.SseReader;
import io.chatrelay.support.sse.SseReader.Event;

/** Reads the bytes of a stream, as far as it came, with every kind of reader: all see what the caller saw, and no event without data. */
final class Matrix {

    private Matrix() {}

    /** What is wrong, or null. @param body may break off anywhere @param seen by the caller, in whole frames */
    static String wrong(byte[] body, List<SseEvent> seen) {
        byte[] whole = Arrays.copyOf(body, whole(body));
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(whole));
        } catch (CharacterCodingException e) {
            return "its bytes are no UTF-8";
        }
        List<String> data = seen.stream().map(SseEvent::data).toList();
        for (SseReader reader : SseReader.values()) {
            List<String> read = reader.read(whole).stream().map(Event::data).toList();
            if (!read.equals(data)) {
                return "a reader of the kind %s sees %s".formatted(reader, differing(read, data));
            }
        }
        List<Event> kept = SseReader.SPEC.read(whole);
        if (!SseReader.STICKY.read(whole).equals(kept)) {
            return "readers that keep ids keep different ones";
        }
        for (int i = 0; i < kept.size(); i++) {
            SseEvent frame = seen.get(i);
            if (!frame.id().isEmpty() && !kept.get(i).id().equals(frame.id())) {
                return "the id of event %s is read as %s".formatted(frame.id(), kept.get(i).id());
            }
            if (frame.data().startsWith("{") && hasHalves(frame.json())) {
                return "event %s is no valid Unicode by itself: %s".formatted(frame.id(), frame.data());
            }
        }
        return null;
    }

    private static String differing(List<String> read, List<String> data) {
        for (int i = 0; i < Math.max(read.size(), data.size()); i++) {
            String is = i < read.size() ? read.get(i) : null;
            String was = i < data.size() ? data.get(i) : null;
            if (is == null || !is.equals(was)) {
                return "'%s' where its caller saw '%s' (event %d of the connection)".formatted(is, was, i + 1);
            }
        }
        return "the same";
    }

    /** How many bytes end with a blank line: what follows has not come whole. */
    private static int whole(byte[] body) {
        for (int end = body.length; end > 1; end--) {
            if (body[end - 1] == '\n' && body[end - 2] == '\n') {
                return end;
            }
        }
        return 0;
    }

    private static boolean hasHalves(JsonNode node) {
        if (node.isTextual()) {
            return node.textValue().codePoints().anyMatch(point -> Character.getType(point) == Character.SURROGATE);
        }
        return node.properties().stream().anyMatch(member -> hasHalves(member.getValue()))
                || node.isArray() && node.valueStream().anyMatch(Matrix::hasHalves);
    }
}
