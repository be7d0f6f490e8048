/** Which request and which turn a line of the log belongs to. */
package io.chatrelay.logging;
