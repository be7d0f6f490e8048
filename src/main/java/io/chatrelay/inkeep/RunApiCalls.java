package io.chatrelay.inkeep;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;

import jakarta.ws.rs.ProcessingException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.client.ClientRequestContext;
import jakarta.ws.rs.client.ClientRequestFilter;
import jakarta.ws.rs.client.ClientResponseContext;
import jakarta.ws.rs.client.ClientResponseFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.ext.ContextResolver;

import org.jboss.resteasy.reactive.RestResponse;
import org.jboss.resteasy.reactive.client.api.LoggingScope;
import org.jboss.resteasy.reactive.client.api.QuarkusRestClientProperties;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.inkeep.AnswerLimit.TooLarge;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.quarkus.rest.client.reactive.QuarkusRestClientBuilder;
import io.smallrye.mutiny.Uni;
import io.vertx.core.VertxException;
import io.vertx.core.buffer.Buffer;

/**
 * The short calls to one Agents upstream, through a REST client. Each is made once, its time and its answer are bounded, no redirect is followed,
 * and a result says whether Inkeep may have received it.
 */
final class RunApiCalls implements AutoCloseable {

    /** Maximum delay of a turn by the detection of the server's generation. */
    static final Duration PROBE = Duration.ofSeconds(3);
    /** Concurrent short calls, in addition to the turns; further calls wait. The REST client's default is 50. */
    private static final int CONNECTIONS = 64;
    private static final String LATE = "its time ran out";
    private static final ObjectMapper JSON = new ObjectMapper(BoundedJson.FACTORY)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private final InkeepRunApi api;

    RunApiCalls(InkeepRunApi api) {
        this.api = api;
    }

    /** A client of its own for the upstream: approvals must get through even if every connection belongs to a turn that waits for an approval. */
    static RunApiCalls of(UpstreamConfig config, Transport transport) {
        // Each call has its own time; this is when the connection of the longest one is closed.
        Duration longest = config.approvalTimeout().compareTo(PROBE) > 0 ? config.approvalTimeout() : PROBE;
        QuarkusRestClientBuilder builder = QuarkusRestClientBuilder.newBuilder()
                .baseUri(config.url())
                .connectTimeout(config.connectTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .readTimeout(longest.toMillis(), TimeUnit.MILLISECONDS)
                .property(QuarkusRestClientProperties.CONNECTION_POOL_SIZE, CONNECTIONS)
                .followRedirects(false)
                .enableCompression(false)
                // It would write headers and bodies.
                .loggingScope(LoggingScope.NONE)
                .disableDefaultMapper(true)
                .userAgent("chat-relay")
                .httpClientOptionsCustomizer(options -> transport.configure(options, config))
                .httpClientRequestCustomizer(new AnswerLimit(BoundedBody.SHORT, longest))
                .register(new GuardedRequestWriter(JSON))
                .register(new FailedResponseMapper())
                .register(new Mapper())
                .register(new AnyTypeIsJson());
        transport.tls().ifPresent(builder::tlsConfiguration);
        config.apiKey().ifPresent(key -> builder.register(new Authorization("Bearer " + key)));
        return new RunApiCalls(builder.build(InkeepRunApi.class));
    }

    private record Authorization(String value) implements ClientRequestFilter {
        @Override
        public void filter(ClientRequestContext request) {
            request.getHeaders().putSingle(HttpHeaders.AUTHORIZATION, value);
        }

        /** It is a secret. */
        @Override
        public String toString() {
            return "Authorization";
        }
    }

    private static final class Mapper implements ContextResolver<ObjectMapper> {
        @Override
        public ObjectMapper getContext(Class<?> type) {
            return JSON;
        }
    }

    /** Inkeep's answers are JSON, whatever type a proxy in front of it gives them. */
    private static final class AnyTypeIsJson implements ClientResponseFilter {
        @Override
        public void filter(ClientRequestContext request, ClientResponseContext response) {
            if (response.getStatus() / 100 == 2) {
                response.getHeaders().putSingle(HttpHeaders.CONTENT_TYPE, MediaType.APPLICATION_JSON);
            }
        }
    }

    /**
     * Makes one call; nothing is sent before the subscription. The call is not cancelled with its subscription, because the REST client loses a
     * connection that arrives for a cancelled call: it is no longer wanted from then on, and its time is bounded.
     *
     * @param timeout for the call including its answer
     * @param wanted  checked immediately before the call is sent
     * @param call    given that check, with the end of the call's time added to it
     */
    <T> Uni<CallResult<T>> call(Duration timeout, BooleanSupplier wanted,
            BiFunction<InkeepRunApi, BooleanSupplier, Uni<RestResponse<T>>> call) {
        return Uni.createFrom().<CallResult<T>>emitter(emitter -> {
            AtomicBoolean over = new AtomicBoolean();
            emitter.onTermination(() -> over.set(true));
            Uni.createFrom().deferred(() -> call.apply(api, () -> !over.get() && wanted.getAsBoolean()))
                    .<CallResult<T>>map(answer -> new CallResult.Accepted<>(answer.getStatus(), answer.getEntity()))
                    .onFailure(failure -> !isDefect(failure)).recoverWithItem(RunApiCalls::failed)
                    .subscribe().with(emitter::complete, emitter::fail);
        }).ifNoItem().after(timeout).recoverWithItem(() -> new CallResult.Lost<>(LATE));
    }

    /** Everything that the connection, the REST client or the answer can be the reason of is not. */
    private static boolean isDefect(Throwable failure) {
        return !(failure instanceof IOException || failure instanceof VertxException || failure instanceof TimeoutException
                || failure instanceof ProcessingException || failure instanceof WebApplicationException
                || failure instanceof FailedResponseMapper.Rejection || failure instanceof GuardedRequestWriter.Unwanted);
    }

    private static <T> CallResult<T> failed(Throwable failure) {
        if (failure instanceof FailedResponseMapper.Rejection rejection) {
            return new CallResult.Rejected<>(rejection.status(), rejection.type(), rejection.body());
        }
        if (failure instanceof GuardedRequestWriter.Unwanted) {
            return new CallResult.Unsent<>();
        }
        if (failure.getCause() instanceof TooLarge answer) {
            return answer.status() / 100 == 2 ? new CallResult.Unreadable<>()
                    : new CallResult.Rejected<>(answer.status(), answer.type(), "");
        }
        if (failure instanceof JsonProcessingException || failure.getCause() instanceof JsonProcessingException) {
            return new CallResult.Unreadable<>();
        }
        boolean late = failure instanceof TimeoutException || failure.getCause() instanceof TimeoutException;
        return new CallResult.Lost<>(late ? LATE : ConnectFailure.of(failure).words());
    }

    /** The answer to a call that did not use this client. */
    static <T> CallResult<T> result(int status, String type, String body, Class<T> answer) {
        if (status / 100 != 2) {
            return new CallResult.Rejected<>(status, type, body);
        }
        try {
            return new CallResult.Accepted<>(status, body.isBlank() ? null : JSON.readValue(body, answer));
        } catch (JsonProcessingException e) {
            return new CallResult.Unreadable<>();
        }
    }

    /** A body for a call that does not use this client. */
    static Buffer json(RunApiMessages.Body body) {
        return Buffer.buffer(GuardedRequestWriter.ascii(JSON, body));
    }

    @Override
    public void close() {
        api.close();
    }
}
