package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PassedHeadersTest {

    private static final Map<String, String> SENT = Map.of("authorization", "Bearer caller", "cookie", "a=b",
            "x-target-tenant-id", "other", "traceparent", "00-1", "x-emit-operations", "true");

    @Test
    void onlyTheListedHeadersGoUp() {
        assertThat(new PassedHeaders(List.of("traceparent", "tracestate")).of(SENT))
                .containsExactlyEntriesOf(Map.of("traceparent", "00-1"));
    }

    @Test
    void anEmptyListPassesNothing() {
        assertThat(new PassedHeaders(List.of()).of(SENT)).isEmpty();
    }

    @Test
    void theListMayBeWrittenInAnyCase() {
        assertThat(new PassedHeaders(List.of(" X-Emit-Operations ")).of(SENT)).containsOnlyKeys("x-emit-operations");
    }

    @ParameterizedTest
    @ValueSource(strings = { "authorization", "Authorization", " authorization ", "proxy-authorization", "cookie", "Set-Cookie",
            "x-forwarded-cookie", "x-target-tenant-id", "X-Target-Agent-Id", "host", "connection", "transfer-encoding",
            "content-length", "te", "upgrade", "keep-alive", "trailer" })
    void whatLetsACallerActAsSomeoneElseCannotEvenBeListed(String header) {
        assertThatIllegalArgumentException().isThrownBy(() -> new PassedHeaders(List.of("traceparent", header)))
                .withMessageContaining("'" + header.strip().toLowerCase(Locale.ROOT) + "' never goes up");
    }
}
