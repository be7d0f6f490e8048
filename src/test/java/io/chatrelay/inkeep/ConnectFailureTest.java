package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.VERTX;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.turn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.TrustManagerFactory;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.inkeep.RetryPolicy.Resend;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.support.SelfSigned;
import io.netty.channel.ConnectTimeoutException;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PfxOptions;
import io.vertx.core.net.SSLOptions;
import io.vertx.core.net.TrustOptions;

/** Why no connection to Inkeep could be made is in the turn's failure: an operator sees what to mend. */
@QuarkusTest
class ConnectFailureTest {

    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep();

    private Failure failure(String url) {
        return ((Ended) all(inkeep.upstream(URI.create(url), "retries", "0").run(question(turn(), "hi")).answer()).getLast())
                .failure();
    }

    private static void assertThatIs(Failure failure, Failure.Code code, ConnectFailure why) {
        assertThat(failure.code()).as(failure.message()).isEqualTo(code);
        assertThat(failure.message()).isEqualTo("No connection to the {upstream} could be made: %s.".formatted(why.words()));
    }

    @Test
    void nobodyListens() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }

        assertThatIs(failure("http://127.0.0.1:%d/run".formatted(port)), Failure.Code.UPSTREAM_UNAVAILABLE,
                ConnectFailure.REFUSED);
    }

    @Test
    void theNameIsNotKnown() {
        assertThatIs(failure("http://inkeep.invalid/run"), Failure.Code.UPSTREAM_UNAVAILABLE, ConnectFailure.NAME);
    }

    @Test
    void itSpeaksNoTls() {
        assertThatIs(failure(inkeep.url("/run").toString().replace("http:", "https:")), Failure.Code.UPSTREAM_UNTRUSTED,
                ConnectFailure.TLS);
    }

    private static HttpServer secure(SelfSigned certificate) throws Exception {
        return VERTX
                .createHttpServer(new HttpServerOptions().setSsl(true)
                        .setKeyCertOptions(
                                new PfxOptions().setPath(certificate.store().toString()).setPassword(SelfSigned.PASSWORD)))
                .requestHandler(request -> request.response().setStatusCode(400).end()).listen(0, "127.0.0.1")
                .toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    @Test
    void itsCertificateIsItsOwn(@TempDir Path directory) throws Exception {
        HttpServer secure = secure(SelfSigned.in(directory));

        try {
            assertThatIs(failure("https://localhost:%d/run".formatted(secure.actualPort())), Failure.Code.UPSTREAM_UNTRUSTED,
                    ConnectFailure.CERTIFICATE);
        } finally {
            secure.close();
        }
    }

    @Test
    void itsCertificateIsTrustedOnceThatIsReloaded(@TempDir Path directory) throws Exception {
        SelfSigned certificate = SelfSigned.in(directory);
        HttpServer secure = secure(certificate);
        UpstreamConfig config = ScriptedInkeep
                .config(URI.create("https://localhost:%d/run".formatted(secure.actualPort())), "retries", "0");
        InkeepClient client = new InkeepClient(VERTX, config, Transport.DIRECT);
        TrustManagerFactory trusted = certificate.trust();

        try {
            client.updateCertificates(new SSLOptions().setTrustOptions(TrustOptions.wrap(trusted.getTrustManagers()[0])));

            await().untilAsserted(() -> assertThat(
                    ((Ended) all(client.post(turn(), "/api/chat", new QuestionBody(Buffer.buffer("{}")), Map.of(),
                            Resend.NEVER, _ -> null)).getLast()).failure().code())
                    .isEqualTo(Failure.Code.UPSTREAM_REFUSED));
        } finally {
            client.close();
            secure.close();
        }
    }

    @Test
    void itDoesNotAnswerInTime() {
        assertThat(ConnectFailure.of(new ConnectTimeoutException("connection timed out after 5000 ms: 10.0.0.1")))
                .isEqualTo(ConnectFailure.TIMEOUT);
    }
}
