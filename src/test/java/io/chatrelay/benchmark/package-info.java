/** What the service costs and how long it delays, measured and not asserted. {@code bench/run} runs it. */
package io.chatrelay.benchmark;
