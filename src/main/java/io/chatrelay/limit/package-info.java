/**
 * How much a caller may ask for: requests, running turns, open streams and tokens. What is counted on one replica, and what on all of them, is
 * written at each {@link io.chatrelay.limit.Limit}. A limit refuses before anything is stored.
 */
@NullMarked
package io.chatrelay.limit;

import org.jspecify.annotations.NullMarked;
