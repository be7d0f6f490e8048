package io.chatrelay.logging;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import io.quarkus.vertx.core.runtime.VertxMDC;
import io.quarkus.vertx.mdc.provider.LateBoundMDCProvider;
import io.smallrye.common.vertx.VertxContext;
import io.vertx.core.Context;
import io.vertx.core.Vertx;

/** With the MDC as Quarkus keeps it. */
class LogIdsTest {

    private static final LogIds ONE = LogIds.ofTurn(UUID.randomUUID(), "one", null);
    private static final LogIds OTHER = LogIds.ofRequest("request").withTurn(UUID.randomUUID(), "other",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    private static final Vertx VERTX = Vertx.vertx();

    @BeforeAll
    static void keptAsQuarkusDoes() {
        LateBoundMDCProvider.setMDCProviderDelegate(VertxMDC.INSTANCE);
    }

    @AfterAll
    static void stop() {
        VERTX.close();
    }

    private static LogIds idsOn(Context context) throws Exception {
        CompletableFuture<LogIds> ids = new CompletableFuture<>();
        context.runOnContext(_ -> ids.complete(LogIds.current()));
        return ids.get(10, TimeUnit.SECONDS);
    }

    @Test
    void haveTheTraceAndTheSpanOfATurnThatIsTraced() {
        assertThat(OTHER.trace()).isEqualTo("4bf92f3577b34da6a3ce929d0e0e4736");
        assertThat(OTHER.span()).isEqualTo("00f067aa0ba902b7");
        assertThat(ONE.trace()).isNull();
    }

    @Test
    void areThoseOfTheTaskAndThenThoseOfBefore() {
        ONE.run(() -> {
            assertThat(LogIds.current()).isEqualTo(ONE);
            OTHER.run(() -> assertThat(LogIds.current()).isEqualTo(OTHER));
            assertThat(LogIds.current()).as("the request of the other is gone, too").isEqualTo(ONE);
        });
        assertThat(LogIds.current()).isEqualTo(LogIds.NONE);
    }

    @Test
    void areThoseOfBeforeAfterATaskThatThrows() {
        assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> ONE.run(() -> {
            throw new IllegalStateException();
        }))).isInstanceOf(IllegalStateException.class);
        assertThat(LogIds.current()).isEqualTo(LogIds.NONE);
    }

    @Test
    void areKeptByAContextOfItsOwnAndNotByTheOneItWasMadeOf() throws Exception {
        Context shared = VERTX.getOrCreateContext();
        Context one = ONE.context(shared);
        Context other = OTHER.context(shared);

        assertThat(idsOn(one)).isEqualTo(ONE);
        assertThat(idsOn(other)).isEqualTo(OTHER);
        assertThat(idsOn(one)).isEqualTo(ONE);
        assertThat(idsOn(shared)).isEqualTo(LogIds.NONE);
    }

    /** A request's context is used by its thread and by its connection at the same time. */
    @Test
    void ofATaskAreNotSeenByWhoSharesTheContextMeanwhile() throws Exception {
        Context request = VertxContext.createNewDuplicatedContext(VERTX.getOrCreateContext());
        VertxMDC.INSTANCE.put(LogIds.REQUEST, "mine", request);
        CompletableFuture<LogIds> within = new CompletableFuture<>();
        CompletableFuture<LogIds> meanwhile = new CompletableFuture<>();
        request.runOnContext(_ -> ONE.run(() -> {
            within.complete(LogIds.current());
            meanwhile.complete(
                    new LogIds(VertxMDC.INSTANCE.get(LogIds.REQUEST, request), VertxMDC.INSTANCE.get(LogIds.TURN, request),
                            null, null, null));
        }));

        assertThat(within.get(10, TimeUnit.SECONDS)).isEqualTo(ONE);
        assertThat(meanwhile.get(10, TimeUnit.SECONDS)).isEqualTo(LogIds.ofRequest("mine"));
        assertThat(idsOn(request)).isEqualTo(LogIds.ofRequest("mine"));
    }
}
