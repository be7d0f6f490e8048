package io.chatrelay.inkeep;

import java.util.Map;
import java.util.function.BooleanSupplier;

import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * The body of a request, with its headers, and the condition under which it is sent.
 *
 * @param headers by lower-case name
 * @param wanted  checked once, when the request has its connection, immediately before the body is written
 */
@RegisterForReflection
record GuardedRequest<B extends RunApiMessages.Body>(B body, Map<String, String> headers, BooleanSupplier wanted) {}
