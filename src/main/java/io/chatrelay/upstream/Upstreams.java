package io.chatrelay.upstream;

import java.util.List;
import java.util.Optional;

/** The configured upstreams. */
public interface Upstreams {

    /** All upstreams, in the order of their names. */
    List<Upstream> all();

    /** The upstream for requests with an unknown {@code model}, if configured. */
    Optional<Upstream> fallback();

    /** The upstream with this name. */
    default Optional<Upstream> named(String name) {
        return all().stream().filter(upstream -> upstream.name().equals(name)).findFirst();
    }

    /** The upstream that a caller selects by {@code model}: by its name, or by one of its models. */
    default Optional<Upstream> forModel(String model) {
        return named(model).or(() -> all().stream().filter(upstream -> upstream.models().contains(model)).findFirst());
    }
}
