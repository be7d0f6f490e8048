package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.SelfSigned;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.WaitingTurn;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.PfxOptions;

/**
 * The TLS and the proxy of an upstream, by Quarkus' own settings, are those of its streams and of its short calls. An Inkeep in a company's own
 * network shows the company's certificate, and wants to see one.
 */
@Order(8)
class TransportIT {

    private static InkeepEmulator inkeep;
    private static NetClient inside;
    private static NetServer secure;
    private static ForwardProxy proxy;
    private static RelayProcess relay;
    private static RelayClient client;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        proxy = new ForwardProxy();
        SelfSigned certificate = SelfSigned.in(directory);
        Path pem = certificate.pem();
        secure = secure(certificate, pem);
        URI https = URI.create("https://localhost:%d/run".formatted(secure.actualPort()));
        relay = RelayProcess.unconfigured().quick().database(TestPostgres.fresh()).key()
                .agents("trusted", https).with("chat-relay.upstreams.trusted.tls-configuration-name", "company")
                .agents("stranger", https)
                .agents("misnamed", URI.create(https.toString().replace("localhost", "127.0.0.1")))
                .with("chat-relay.upstreams.misnamed.tls-configuration-name", "company")
                .agents("outside", inkeep.agentsUrl()).with("chat-relay.upstreams.outside.proxy-configuration-name", "way-out")
                .agents("both", https).with("chat-relay.upstreams.both.tls-configuration-name", "company")
                .with("chat-relay.upstreams.both.proxy-configuration-name", "way-out")
                .with("quarkus.tls.company.trust-store.pem.certs", pem)
                .with("quarkus.tls.company.key-store.p12.path", certificate.store())
                .with("quarkus.tls.company.key-store.p12.password", SelfSigned.PASSWORD)
                .with("quarkus.proxy.way-out.host", "127.0.0.1").with("quarkus.proxy.way-out.port", proxy.port())
                .with("quarkus.proxy.way-out.username", ForwardProxy.USER)
                .with("quarkus.proxy.way-out.password", ForwardProxy.PASSWORD).start();
        client = new RelayClient(relay);
    }

    /** Before the emulator, which speaks no TLS. */
    private static NetServer secure(SelfSigned certificate, Path trusted) throws Exception {
        inside = RelayClient.VERTX.createNetClient();
        return RelayClient.VERTX.createNetServer(new NetServerOptions().setSsl(true).setClientAuth(ClientAuth.REQUIRED)
                .setTrustOptions(new PemTrustOptions().addCertPath(trusted.toString()))
                .setKeyCertOptions(new PfxOptions().setPath(certificate.store().toString()).setPassword(SelfSigned.PASSWORD)))
                .connectHandler(here -> {
                    here.pause();
                    inside.connect(inkeep.port(), "127.0.0.1").onSuccess(there -> {
                        there.pipeTo(here);
                        here.pipeTo(there);
                    });
                }).listen(0, "127.0.0.1").toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    @AfterAll
    static void stop() {
        relay.close();
        proxy.close();
        secure.close();
        inside.close();
        inkeep.close();
    }

    /** A turn whose stream stands open while its decision is given by a short call. */
    private static void assertThatATurnWorks(String upstream) {
        WaitingTurn turn = new WaitingTurn(client, upstream, "use tool delete_file").awaitAsked(client, 1).approve(client, 0);

        SseStream whole = client.replay(turn.conversation(), turn.turn()).awaitEnd();
        assertThat(whole.end()).isEqualTo("[DONE]");
        assertThat(whole.types()).contains("tool-output-available");
    }

    private static void assertThatItIsNotTrusted(String upstream) {
        SseStream turn = client.chat(upstream, upstream + "-" + UUID.randomUUID(), "echo hi").awaitEnd();

        assertThat(turn.status()).isEqualTo(502);
        assertThat(relay.output())
                .contains("its certificate is not trusted, see chat-relay.upstreams.<name>.tls-configuration-name");
    }

    @Test
    void aCertificateThatOnlyTheNamedConfigurationTrusts() {
        assertThatATurnWorks("trusted");
        assertThatItIsNotTrusted("stranger");
    }

    @Test
    void aCertificateOfAnotherHostIsNotTrusted() {
        assertThatItIsNotTrusted("misnamed");
    }

    @Test
    void aProxyIsAskedForStreamsAndForShortCalls() {
        String base = "POST " + inkeep.agentsUrl();

        assertThatATurnWorks("outside");

        List<String> asked = proxy.asked().stream().filter(one -> one.startsWith(base)).toList();
        assertThat(asked).containsExactly(base + "/api/tool-approvals", base + "/api/chat", base + "/api/chat");
    }

    @Test
    void aProxyGivesTunnelsForStreamsAndForShortCalls() {
        assertThatATurnWorks("both");

        assertThat(proxy.asked()).filteredOn(one -> one.equals("CONNECT localhost:" + secure.actualPort()))
                .hasSizeGreaterThanOrEqualTo(2);
    }
}
