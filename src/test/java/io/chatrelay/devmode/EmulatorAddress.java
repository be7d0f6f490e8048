package io.chatrelay.devmode;

import java.net.URI;
import java.util.Optional;

import jakarta.enterprise.context.ApplicationScoped;

import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Where the emulator of a test is: the one that a test's profile configured, else the stand-in of a service without upstreams. */
@ApplicationScoped
public class EmulatorAddress {

    private final EmulatedInkeep standIn;
    private final Optional<URI> configured;

    EmulatorAddress(EmulatedInkeep standIn,
            @ConfigProperty(name = EmulatorResource.ADDRESS) Optional<URI> configured) {
        this.standIn = standIn;
        this.configured = configured;
    }

    public URI get() {
        return configured.orElseGet(standIn::control);
    }
}
