package io.chatrelay.defect;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;

import org.junit.jupiter.api.Test;

class TraceTest {

    @Test
    void saysWhereAndNotWhat() {
        Exception thrown = new IllegalStateException("Unrecognized token 'my secret'",
                new SQLException("Key (text)=(my secret) exists", "23505"));

        assertThat(Trace.of(thrown))
                .startsWith("java.lang.IllegalStateException\n\tat io.chatrelay.defect.TraceTest.saysWhereAndNotWhat")
                .contains("\ncaused by java.sql.SQLException [23505]\n\tat ").doesNotContain("secret");
    }

    @Test
    void needsNoTrace() {
        Exception thrown = new NullPointerException("my secret");
        thrown.setStackTrace(new StackTraceElement[0]);

        assertThat(Trace.of(thrown)).isEqualTo("java.lang.NullPointerException (without a trace)");
    }

    @Test
    void comesToAnEnd() {
        Exception cause = new Exception("b");
        Exception thrown = new Exception("a", cause);
        cause.initCause(thrown);

        assertThat(Trace.of(thrown).split("caused by")).hasSize(5);
        assertThat(Trace.of(deep(200)).lines()).hasSizeLessThan(30).last().asString().endsWith(" more");
    }

    private static Exception deep(int calls) {
        return calls == 0 ? new Exception() : deep(calls - 1);
    }
}
