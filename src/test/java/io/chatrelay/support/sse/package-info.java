/** Readers of server-sent events. */
package io.chatrelay.support.sse;
