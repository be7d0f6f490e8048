package io.chatrelay.upstream;

import java.util.Set;

/**
 * The runs of a conversation before a turn's own, as far as an upstream has to know them to tell that one from them.
 *
 * @param ids           the upstream's own ids of them
 * @param mayStillSpeak whether one of them may still be going at the upstream though this service reads it no more
 * @param mayBeUnknown  whether the upstream may still give one of them again whose id nobody has learnt
 */
public record EarlierRuns(Set<String> ids, boolean mayStillSpeak, boolean mayBeUnknown) {}
