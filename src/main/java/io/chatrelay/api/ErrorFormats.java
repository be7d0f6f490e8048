package io.chatrelay.api;

import io.chatrelay.api.protocol.ErrorFormat;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** The formats of errors on the paths that belong to no protocol. */
public final class ErrorFormats {

    /** {@code {code, message}}. Source: problems of Inkeep's run API. */
    @RegisterForReflection
    record CodedError(String code, String message) {}

    /** A problem (RFC 9457) with the error as an object. */
    public static final ErrorFormat PROBLEM = new ErrorFormat(true, (_, message, code, _) -> new CodedError(code, message));

    /** Only the message, as documented for this call. Source: {@code POST /run/api/tool-approvals} of Inkeep's run API. */
    private static final ErrorFormat TEXT = new ErrorFormat(false, (_, message, _, _) -> message);

    /** The path to which a decision is sent. */
    static final String DECISIONS = "/run/api/tool-approvals";

    private ErrorFormats() {}

    static ErrorFormat of(String path) {
        return path.equals(DECISIONS) || path.startsWith(DECISIONS + "/") ? TEXT : PROBLEM;
    }
}
