/**
 * Which replicas are alive: the lease of this process, the fence in front of every write, and the claims on the turns of a replica that is gone.
 * Owner of the table {@code replica}.
 */
package io.chatrelay.cluster;
