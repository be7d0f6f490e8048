/**
 * The crash test: two packaged services on one PostgreSQL are killed, stopped, paused and cut off while callers use them, and a checker
 * reads what everybody saw. {@code bench/crash} runs it; {@code docs/crash-test.md} says what it proves.
 */
package io.chatrelay.crash;
