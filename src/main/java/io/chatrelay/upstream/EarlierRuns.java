package io.chatrelay.upstream;

import java.util.Set;

/**
 * The runs of a conversation before a turn's own run, as far as an upstream needs them to distinguish that run.
 *
 * @param ids           the upstream's own ids of the runs
 * @param mayStillSpeak whether one of them may still be active at the upstream, although this service no longer reads it
 * @param mayBeUnknown  whether the upstream may still replay one of them whose id is unknown
 */
public record EarlierRuns(Set<String> ids, boolean mayStillSpeak, boolean mayBeUnknown) {}
