package io.chatrelay.defect;

import org.jboss.logging.Logger;

/**
 * A task that a scheduler repeats even if it throws: a scheduler silently drops a task that threw.
 *
 * @param name of the task, for the log
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
            // Without memory even this cannot be logged, and the next run is more important.
            return;
        }
    }
}
