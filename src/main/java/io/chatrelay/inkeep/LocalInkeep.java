package io.chatrelay.inkeep;

import java.util.Map;

/** Replaces Inkeep in dev and test if no upstream is configured. Absent in production. */
public interface LocalInkeep {

    /** Starts the replacement. Returns its upstreams, by name. */
    Map<String, UpstreamsConfig.UpstreamConfig> start();
}
