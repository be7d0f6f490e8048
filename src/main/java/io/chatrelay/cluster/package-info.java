/**
 * Which replicas are alive: the lease of this process, the fence before every write, and the detection of dead replicas, whose turns others
 * claim. Owns the table {@code replica}.
 */
@NullMarked
package io.chatrelay.cluster;

import org.jspecify.annotations.NullMarked;
