package io.chatrelay.dev;

/** What a run is recorded on while it is relayed. */
interface RunRecorder {

    RunRecorder NONE = new RunRecorder() {
        @Override
        public void add(String event) {}

        @Override
        public void end() {}
    };

    /** Records on both. */
    static RunRecorder both(RunRecorder one, RunRecorder other) {
        return new RunRecorder() {
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
