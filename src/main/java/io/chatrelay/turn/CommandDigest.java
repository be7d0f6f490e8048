package io.chatrelay.turn;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.TreeMap;

import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.MessageParts;
import io.chatrelay.upstream.UpstreamRequest;

/** SHA-256 of the meaning of a command: two requests with the same meaning have the same digest, even if they are written differently. */
final class CommandDigest {

    private CommandDigest() {}

    static byte[] of(SendCommand command) {
        return of(command, command.conversationId());
    }

    /** The digest of the same command, as the client sent it before it knew the conversation. */
    static byte[] ofNameless(SendCommand command) {
        return of(command, null);
    }

    /** The key of the database's lock that serialises equal commands. */
    static long lock(byte[] digest) {
        return ByteBuffer.wrap(digest).getLong();
    }

    private static byte[] of(SendCommand command, String conversation) {
        JsonWriter out = new JsonWriter(512).ascii('[').string(conversation).ascii(',').string(command.model())
                .ascii(',').string(command.messageId()).ascii(',').string(command.endUser());
        command.before().forEach(said -> said(out, said));
        out.ascii(",\"asked\"");
        command.asked().forEach(said -> said(out, said));
        new TreeMap<>(command.parameters())
                .forEach((name, value) -> out.ascii(',').string(name).ascii(',').string(value.text()));
        return sha256(out.ascii(']').toBytes());
    }

    private static void said(JsonWriter out, UpstreamRequest.ChatMessage said) {
        out.ascii(',').string(said.role().wireName()).ascii(',').string(MessageParts.write(said.parts()));
        if (said.name() != null) {
            out.ascii(',').string(said.name());
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
