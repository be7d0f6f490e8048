package io.chatrelay.event;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrintableNameTest {

    @ParameterizedTest
    @ValueSource(strings = { "a", "José", "日本", "🦊", "👩‍💻 at work", "call:1/2 [x]", "a b", "a\u2028b" })
    void whatAPersonWritesIsOne(String name) {
        assertThat(PrintableName.isName(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = { "", " ", "\u2003", "a\nb", "\u0000", "\u007f", "a\u0085b", "\ud83e", "\udd8a\ud83e", "a\ud83e" })
    void whatNobodySeesOrNoDatabaseTakesIsNone(String name) {
        assertThat(PrintableName.isName(name)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = { "x", "🦊" })
    void itIsAtMostAsLongAsTheRuleSays(String unit) {
        String longest = unit.repeat(PrintableName.LONGEST / unit.length());

        assertThat(PrintableName.isName(longest)).isTrue();
        assertThat(PrintableName.isName(longest + "x")).isFalse();
    }
}
