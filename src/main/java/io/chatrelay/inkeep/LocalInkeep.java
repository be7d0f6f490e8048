package io.chatrelay.inkeep;

import java.util.Map;

/** Stands in for Inkeep where none is configured, in dev and test. Absent in production. */
public interface LocalInkeep {

    /** The upstreams that it offers, by name; it runs from then on. */
    Map<String, UpstreamsConfig.UpstreamConfig> start();
}
