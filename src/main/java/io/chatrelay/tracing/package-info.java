/** What the rooms have in common where they speak to OpenTelemetry, and what of its automatic instrumentation is not wanted. */
@NullMarked
package io.chatrelay.tracing;

import org.jspecify.annotations.NullMarked;
