package io.chatrelay.inkeep;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEventCodec;

/**
 * Identifies the known events of a run without storing them: the run's id, the number of its events, and SHA-256 over all of them, each chained
 * to the previous one. Two chains of the same length are equal only if their events are.
 */
final class EventHashChain {

    private static final ChatEventCodec CODEC = new ChatEventCodec();

    /** One a thread: it is larger than all the rest of a chain, and a digest takes microseconds. */
    private static final ThreadLocal<MessageDigest> SHA_256 = ThreadLocal.withInitial(EventHashChain::sha256);

    private String run;
    private long length;
    private byte[] chain = new byte[0];

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    synchronized void add(ChatEvent event) {
        if (length == 0 && event instanceof Started(var id)) {
            run = id;
        }
        byte[] encoded = CODEC.encode(said(event));
        MessageDigest sha256 = SHA_256.get();
        sha256.update(chain);
        chain = sha256.digest(encoded);
        length++;
    }

    /** Removes what this service adds to a call, because an earlier version did not store it. */
    private static ChatEvent said(ChatEvent event) {
        return switch (event) {
            case ToolInputStarted(var call, var tool) -> new ToolInputStarted(said(call), tool);
            case ToolCalled(var call, var tool, var input, _) -> new ToolCalled(said(call), tool, input, false);
            case ToolInputFailed(var call, var tool, var input, var error) ->
                    new ToolInputFailed(said(call), tool, input, error);
            case ChatEvent other -> other;
        };
    }

    private static Call said(Call call) {
        return new Call(0, call.id(), call.upstreamId());
    }

    synchronized EventHashChain copy() {
        EventHashChain copy = new EventHashChain();
        copy.run = run;
        copy.length = length;
        copy.chain = chain;
        return copy;
    }

    synchronized boolean isEmpty() {
        return length == 0;
    }

    synchronized long length() {
        return length;
    }

    /** The upstream's own id of the run, from its first event; or null. */
    synchronized String run() {
        return run;
    }

    private synchronized byte[] chain() {
        return chain;
    }

    boolean isSame(EventHashChain other) {
        return length() == other.length() && Arrays.equals(chain(), other.chain());
    }
}
