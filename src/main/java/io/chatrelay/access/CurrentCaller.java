package io.chatrelay.access;

import jakarta.enterprise.context.RequestScoped;

/** The caller of the request at hand, set once its key was seen. */
@RequestScoped
public class CurrentCaller {

    private Caller caller;

    void set(Caller seen) {
        caller = seen;
    }

    public Caller get() {
        return caller;
    }
}
