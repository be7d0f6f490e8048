/** The port: what a turn asks of any upstream, and what comes back. No vendor is named here. */
package io.chatrelay.upstream;
