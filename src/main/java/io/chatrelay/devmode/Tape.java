package io.chatrelay.devmode;

/** What a run is recorded on while it is relayed. */
interface Tape {

    Tape NONE = new Tape() {
        @Override
        public void add(String event) {}

        @Override
        public void end() {}
    };

    void add(String event);

    /** The run is over. */
    void end();
}
