package io.chatrelay.devmode;

/** What a run is recorded on while it is relayed. */
interface Tape {

    Tape NONE = new Tape() {
        @Override
        public void add(String event) {}

        @Override
        public void end() {}
    };

    /** Records on both. */
    static Tape both(Tape one, Tape other) {
        return new Tape() {
            @Override
            public void add(String event) {
                one.add(event);
                other.add(event);
            }

            @Override
            public void end() {
                one.end();
                other.end();
            }
        };
    }

    void add(String event);

    /** The run is over. */
    void end();
}
