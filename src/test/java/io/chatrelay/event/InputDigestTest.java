package io.chatrelay.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InputDigestTest {

    private static String of(String json) {
        return HexFormat.of().formatHex(InputDigest.of(new RawJson(json)));
    }

    /** What any other implementation of RFC 8785 gives: {@code printf %s '…' | sha256sum} of the canonical form. */
    @Test
    void itIsTheSha256OfTheCanonicalForm() {
        assertThat(of("{ \"path\" : \"docs/report.txt\" }"))
                .isEqualTo("4e073a86aa64dedc47f07b87a5a5224c05c0d73ad0a625286797dc9d2243f48d");
        assertThat(of("{\"b\":[1.0,2e1,\"\\u20ac\"],\"a\":null}"))
                .isEqualTo("bca4060a871a73d1fdf2d37627862b663446c88d2a0d3d707405ba8dadfb1156");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"a":1,"b":2}    | {"b":2,"a":1}
            {"a":1.0}        | {"a":1}
            {"a":1e2}        | {"a":100}
            {"a":"\\u0041"}  | {"a":"A"}
            [ 1 , 2 ]        | [1,2]
            """)
    void equalInputsHaveOneDigest(String one, String other) {
        assertThat(of(one)).isEqualTo(of(other));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"a":1}          | {"a":2}
            {"a":"1"}        | {"a":1}
            {"a":[1,2]}      | {"a":[2,1]}
            {"a":null}       | {}
            """)
    void differentInputsHaveDifferentOnes(String one, String other) {
        assertThat(of(one)).isNotEqualTo(of(other));
    }

    /** What has no canonical form is digested as it is shown. */
    @ParameterizedTest
    @ValueSource(strings = { "{\"a\":1,\"a\":2}", "{\"a\":1e999}", "null", "\"text\"", "7", "{\"a\":\"\\ud800\"}" })
    void whatHasNoCanonicalFormHasADigestToo(String json) {
        assertThat(of(json)).hasSize(64).isEqualTo(of(json));
    }

    @Test
    void depthBreaksNothing() {
        String deep = "[".repeat(100_000) + "]".repeat(100_000);

        assertThat(of(deep)).hasSize(64);
    }
}
