package io.chatrelay.crash;

/** A call that asks for approval, as a stream showed it. @param messageId of the answer in which it does; null where the wire tells none */
record Asking(String call, String approvalId, String messageId) {}
