package io.chatrelay.api;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.api.protocol.ErrorFormat;
import io.chatrelay.api.protocol.Protocol;
import io.quarkus.arc.All;

/** The available protocols, by name. */
@ApplicationScoped
class Protocols {

    /** The protocol of a reader that names none. */
    private static final String DEFAULT = "ai-sdk";

    private final List<Protocol> all;

    Protocols(@All List<Protocol> all) {
        this.all = all.stream().sorted(Comparator.comparing(Protocol::name)).toList();
    }

    /** The protocol of that name, or the default one for null. */
    Protocol named(String name) {
        String wanted = name == null ? DEFAULT : name;
        return all.stream().filter(protocol -> protocol.name().equals(wanted)).findFirst().orElseThrow(() -> Problems
                .invalid("wire", "must be " + all.stream().map(Protocol::name).collect(Collectors.joining(" or "))));
    }

    /** The format of a path's errors. */
    ErrorFormat errors(String path) {
        return of(path).map(Protocol::errors).orElseGet(() -> ErrorFormats.of(path));
    }

    /** The error for a path that does not exist; empty if no protocol has a special one. */
    Optional<String> missing(String path) {
        return all.stream().flatMap(protocol -> protocol.missing(path).stream()).findFirst();
    }

    private Optional<Protocol> of(String path) {
        return all.stream().filter(protocol -> protocol.paths().stream()
                .anyMatch(prefix -> path.equals(prefix) || path.startsWith(prefix + "/"))).findFirst();
    }
}
