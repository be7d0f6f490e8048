package io.chatrelay.defect;

import org.jboss.logging.Logger;

/**
 * What a scheduler does again and again, whatever it throws: a scheduler drops a task that threw, and nobody learns of it.
 *
 * @param name what goes on, for the log
 */
public record RepeatedTask(String name, Runnable task) implements Runnable {

    private static final Logger LOG = Logger.getLogger(RepeatedTask.class);

    @Override
    public void run() {
        try {
            task.run();
        } catch (Throwable e) {
            report(e);
        }
    }

    private void report(Throwable failure) {
        try {
            LOG.errorf("%s goes on after a defect: %s", name, Trace.of(failure));
        } catch (Throwable e) {
            // With no memory left not even this can be logged, and the next round matters more.
            return;
        }
    }
}
