package io.chatrelay.crash;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.awaitility.Awaitility;

/** Does a round's fault, and heals it: when it returns, both replicas are ready. */
final class Injector {

    private final Cluster cluster;

    Injector(Cluster cluster) {
        this.cluster = cluster;
    }

    void inject(Fault fault) throws InterruptedException {
        switch (fault) {
            case Fault.Kill(var replica) -> {
                cluster.replica(replica).kill9();
                cluster.start(replica);
            }
            case Fault.KillBoth() -> {
                cluster.replica(0).kill9();
                cluster.replica(1).kill9();
                cluster.start(0);
                cluster.start(1);
            }
            case Fault.Stop(var replica) -> {
                cluster.replica(replica).terminate();
                cluster.replica(replica).exitCode();
                cluster.start(replica);
            }
            case Fault.Pause(var replica, var millis) -> pause(replica, millis);
            case Fault.Hiccup(var replica, var millis) -> pause(replica, millis);
            case Fault.TakeLease(var replica) -> cluster.takeLease(replica);
            case Fault.KillWhileCommitting(var replica, var millis) -> {
                killWhileCommitting(replica, millis);
                cluster.start(replica);
            }
            case Fault.KillDatabase() -> {
                cluster.database.kill9();
                cluster.database.start();
            }
            case Fault.StopDatabase(var millis) -> {
                cluster.database.stop();
                TimeUnit.MILLISECONDS.sleep(millis);
                cluster.database.start();
            }
            case Fault.FreezeDatabase(var millis) -> {
                cluster.database.pause();
                try {
                    TimeUnit.MILLISECONDS.sleep(millis);
                } finally {
                    cluster.database.resume();
                }
            }
        }
        awaitReady();
    }

    void awaitReady() {
        Awaitility.await("both replicas").atMost(Duration.ofSeconds(60)).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> cluster.replica(0).isReady() && cluster.replica(1).isReady());
    }

    private void pause(int replica, int millis) throws InterruptedException {
        cluster.replica(replica).pause();
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } finally {
            cluster.replica(replica).resume();
        }
    }

    private void killWhileCommitting(int replica, int millis) throws InterruptedException {
        try (Connection _ = cluster.lockJournal()) {
            TimeUnit.MILLISECONDS.sleep(millis);
            cluster.replica(replica).kill9();
            cluster.forget(replica);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
