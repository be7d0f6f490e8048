package io.chatrelay.event;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonbTest {

    private static String clean(String json) {
        return Jsonb.clean(new RawJson(json)).text();
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "abc", "🦊 ß\n\t\u0001", "\ufffd" })
    void aFitStringStaysTheSame(String text) {
        assertThat(Jsonb.clean(text)).isSameAs(text);
    }

    @Test
    void theZeroCharacterAndHalvesOfPairsAreReplaced() {
        assertThat(Jsonb.clean("a\u0000b\ud83e \udd8a🦊\ud83e")).isEqualTo("a\ufffdb\ufffd \ufffd🦊\ufffd");
    }

    @ParameterizedTest
    @ValueSource(strings = { "{\"a\": 1.50 , \"a\":2}", "\"\\/ \\n \\u0001\"", "[1,-2,0.10,null,true]", "\"🦊\"" })
    void aFitValueStaysLetterByLetter(String json) {
        assertThat(clean(json)).isEqualTo(json);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "\\u0000"              | "\ufffd"
            "a\\uD83Eb"            | "a\ufffdb"
            "\\udd8a"              | "\ufffd"
            "\\ud83e\\udd8a"       | "🦊"
            {"\\u0000k":[{"a":"\\u0000"}]} | {"\ufffdk":[{"a":"\ufffd"}]}
            "\\\\u0000"            | "\\\\u0000"
            """)
    void escapesOfWhatIsRefusedAreReplaced(String json, String cleaned) {
        assertThat(clean(json)).isEqualTo(cleaned);
    }

    @ParameterizedTest
    @CsvSource({ "1e5,1e5", "1.50E+3,1.50E+3", "-1e-5,-1e-5", "1e308,1e308", "1e309,\"1e309\"", "-1E999999999,\"-1E999999999\"",
            "1e-400,\"1e-400\"", "1e-20000,\"1e-20000\"", "0e-20000,\"0e-20000\"" })
    void aNumberThatIsBeyondNumericIsKeptAsItsText(String number, String cleaned) {
        assertThat(clean("[" + number + "]")).isEqualTo("[" + cleaned + "]");
    }

    /** The door lets numbers of 10 000 digits in, which is more than a JSON parser takes by itself. */
    @Test
    void aNumberOfVeryManyDigitsIsKeptAsItsText() {
        String digits = "7".repeat(9_000);

        assertThat(clean("{\"n\":" + digits + ",\"f\":0." + digits + "}"))
                .isEqualTo("{\"n\":\"" + digits + "\",\"f\":\"0." + digits + "\"}");
    }

    @Test
    void aDeepValueIsRead() {
        String deep = "[".repeat(499) + "\"\\u0000\"" + "]".repeat(499);

        assertThat(clean(deep)).contains("\ufffd");
    }
}
