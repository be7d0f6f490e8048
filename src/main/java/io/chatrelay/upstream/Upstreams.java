package io.chatrelay.upstream;

import java.util.List;
import java.util.Optional;

/** The configured upstreams. */
public interface Upstreams {

    /** All of them, in the order of their names. */
    List<Upstream> all();

    /** Where a request goes whose {@code model} is not known, if configured. */
    Optional<Upstream> fallback();

    /** The one of that name. */
    default Optional<Upstream> named(String name) {
        return all().stream().filter(upstream -> upstream.name().equals(name)).findFirst();
    }

    /** The one that a caller means by {@code model}: its name, or one of its models. */
    default Optional<Upstream> forModel(String model) {
        return named(model).or(() -> all().stream().filter(upstream -> upstream.models().contains(model)).findFirst());
    }
}
