/** The port: what a turn requests from any upstream, and what the upstream returns. No vendor is named here. */
@NullMarked
package io.chatrelay.upstream;

import org.jspecify.annotations.NullMarked;
