/** The port: what a turn requests from any upstream, and what the upstream returns. No vendor is named here. */
package io.chatrelay.upstream;
