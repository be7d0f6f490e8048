/**
 * The events of a turn and their folds: {@link io.chatrelay.event.ChatEvent}, its codec, and the values that events and messages consist of.
 * Every other package uses this vocabulary. This package does not depend on upstreams, tables or HTTP.
 *
 * <p>The compiler does not check nulls in the classes that read members of stored JSON by name, and in the transcript's fold: there a missing member
 * is a null whose event or part still has its place.
 */
@NullMarked
package io.chatrelay.event;

import org.jspecify.annotations.NullMarked;
