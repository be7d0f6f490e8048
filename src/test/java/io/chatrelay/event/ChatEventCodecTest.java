package io.chatrelay.event;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.ByteArrayOutputStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.ChatEvent.Unknown;
import io.chatrelay.inkeep.RecordedAnswer;
import io.chatrelay.support.CallEvents;
import io.chatrelay.support.Events;

class ChatEventCodecTest {

    private final ChatEventCodec codec = new ChatEventCodec();

    private ChatEvent readBack(ChatEvent event) {
        byte[] line = codec.encode(event);
        assertThat(line).doesNotContain('\n', '\r');
        byte[] row = new byte[line.length + 7];
        System.arraycopy(line, 0, row, 3, line.length);
        return codec.decode(row, 3, line.length);
    }

    static Stream<ChatEvent> everyKind() {
        return Stream.concat(Events.OF_EVERY_KIND.stream(),
                Stream.of(new Started(null), new Unknown("{\"t\":\"later\",\"d\":[\"ß🦊\",{\"t\":\"end\"}]}"), Events.COMPLETED,
                        Events.FAILED, Events.CANCELLED, Events.INTERRUPTED,
                        Ended.completed(FinishReason.LENGTH, null), Ended.completed(FinishReason.OTHER, new Usage(0, 0, 0))));
    }

    @ParameterizedTest
    @MethodSource("everyKind")
    void everyKindOfEventComesBack(ChatEvent event) {
        assertThat(readBack(event)).isEqualTo(event);
    }

    @Test
    void noKindWasForgotten() {
        assertThat(everyKind().map(Object::getClass)).containsAll(kindsOf(ChatEvent.class).toList());
    }

    private static Stream<Class<?>> kindsOf(Class<?> kind) {
        return kind.isSealed() ? Stream.of(kind.getPermittedSubclasses()).flatMap(ChatEventCodecTest::kindsOf)
                : Stream.of(kind);
    }

    @ParameterizedTest
    @EnumSource(Failure.Code.class)
    void everyFailureComesBack(Failure.Code code) {
        Ended ended = Ended.failed(Failure.of(code, "It says \"why\"."));

        assertThat(readBack(ended)).isEqualTo(ended);
    }

    @ParameterizedTest
    @EnumSource(FinishReason.class)
    void everyFinishReasonComesBack(FinishReason reason) {
        assertThat(readBack(Ended.completed(reason, null))).isEqualTo(Ended.completed(reason, null));
    }

    @ParameterizedTest
    @ValueSource(strings = { "", " ", "\u0000", "a\u0000b", "\n", "\r\n", "\t\b\f\u001f\u007f", "\u0085\u2028\u2029", "\\\"/'",
            "ß€한🦊👩‍👩‍👧", "\ud83e", "\udd8a", "\udd8a\ud83e", "a\ud83eb", "\ufeff\uffff\ufffe", "\\u0000 \\n as letters",
            "data: [DONE]\n\nid: 1" })
    void everyStringComesBackLetterByLetter(String text) {
        assertThat(readBack(new TextDelta("text-1", text))).isEqualTo(new TextDelta("text-1", text));
        assertThat(readBack(new ToolFailed(text, text))).isEqualTo(new ToolFailed(text, text));
    }

    @ParameterizedTest
    @ValueSource(strings = { "{\"a\":1.50,\"a\":1e400,\"b\":\"\\u0000\\ud83e\"}", "\"\\/\"", "null", "-0.0", "[ 1 , 2 ]",
            "{\"\u2028\":\"🦊\"}", "12345678901234567890123456789012345678901234567890" })
    void rawJsonComesBackLetterByLetter(String json) {
        assertThat(readBack(new ToolSucceeded("c", new RawJson(json)))).isEqualTo(new ToolSucceeded("c", new RawJson(json)));
        assertThat(readBack(CallEvents.called("c", "t", new RawJson(json), 3)))
                .isEqualTo(CallEvents.called("c", "t", new RawJson(json), 3));
        assertThat(readBack(new Data("data-x", null, new RawJson(json))))
                .isEqualTo(new Data("data-x", null, new RawJson(json)));
    }

    @Test
    void anEmojiThatWasSplitBetweenTwoDeltasIsWholeAgain() {
        TextDelta first = (TextDelta) readBack(new TextDelta("t", "a \ud83e"));
        TextDelta second = (TextDelta) readBack(new TextDelta("t", "\udd8a!"));

        assertThat(first.text() + second.text()).isEqualTo("a 🦊!");
    }

    /** A turn may be configured to be larger than what the JSON parser allows for one string by itself. */
    @Test
    void aStringOfManyMegabytesComesBack() {
        String text = "0123456789".repeat(2_100_000);

        assertThat(((TextDelta) readBack(new TextDelta("t", text))).text()).isEqualTo(text);
    }

    @Test
    void onlyTheEndIsTheLast() {
        assertThat(Events.OF_EVERY_KIND).noneMatch(codec::isLast);
        assertThat(codec.isLast(Events.CANCELLED)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = { "7", "null", "true", "[1,{\"d\":\"y\"}]", "{\"t\":\"end\",\"d\":\"y\",\"e\":{}}" })
    void aMemberThatALaterVersionAddsIsPassedOver(String value) {
        assertThat(stored("{\"t\":\"text\",\"new\":%s,\"id\":\"t\",\"d\":\"x\"}".formatted(value)))
                .isEqualTo(new TextDelta("t", "x"));
    }

    /** How a turn ended in a word that is not known is never success, and whoever is told of it is told a code and a sentence. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "'\"outcome\":\"paused\"' | FAILED | paused",
            "'\"outcome\":\"failed\",\"code\":\"upstream_asleep\"' | FAILED | upstream_asleep",
            "'\"outcome\":\"paused\",\"reason\":\"stop\",\"code\":\"replica_lost\",\"d\":\"Gone.\"' | FAILED | replica_lost",
            "'\"outcome\":\"interrupted\",\"why\":{}' | INTERRUPTED | interrupted", "'\"how\":\"well\"' | FAILED | unknown" })
    void anEndInALaterVersionsWordsIsAnEnd(String members, Outcome outcome, String code) {
        Ended ended = (Ended) stored("{\"t\":\"end\",%s}".formatted(members));

        assertThat(codec.isLast(ended)).isTrue();
        assertThat(ended.outcome()).isEqualTo(outcome);
        assertThat(ended.failure().name()).isEqualTo(code);
        assertThat(ended.failure().message()).isNotBlank();
        assertThat(stored(new String(codec.encode(ended), UTF_8))).isEqualTo(ended);
    }

    @Test
    void anEndThatCompletedForAReasonThatIsNotKnownCompleted() {
        assertThat(stored("{\"t\":\"end\",\"outcome\":\"completed\",\"reason\":\"satisfied\",\"total\":7}"))
                .isEqualTo(Ended.completed(FinishReason.OTHER, null));
        assertThat(stored("{\"t\":\"end\",\"outcome\":\"completed\"}")).isEqualTo(Ended.completed(FinishReason.OTHER, null));
    }

    @Test
    void aDecisionThatIsNotKnownKeepsItsNameAndIsNoApproval() {
        ApprovalDecided decided = (ApprovalDecided) stored(
                "{\"t\":\"decided\",\"id\":\"a\",\"call\":\"c\",\"state\":\"delegated\"}");

        assertThat(decided.approved()).isFalse();
        assertThat(decided.shown().data().text()).isEqualTo("{\"toolCallId\":\"c\",\"state\":\"delegated\"}");
        assertThat(stored(new String(codec.encode(decided), UTF_8))).isEqualTo(decided);
    }

    private ChatEvent stored(String line) {
        byte[] row = line.getBytes(UTF_8);
        return codec.decode(row, 0, row.length);
    }

    /** Before it was written down, all were told as the caller's: a reader of an old turn still gets its {@code tool_calls}. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = { "'' | true", ",\"own\":1 | true", ",\"own\":0 | false" })
    void aCallIsTheCallersUnlessItsRowDeniesIt(String member, boolean callers) {
        assertThat(stored("{\"t\":\"call\",\"id\":\"c\",\"name\":\"t\",\"i\":2,\"d\":\"{}\"%s}".formatted(member))).isEqualTo(
                new ToolCalled(new Call(2, "c", "c"), "t", RawJson.EMPTY_OBJECT, callers));
    }

    @Test
    void anInputThatBeganBeforeInputsHadNumbersHasNone() {
        assertThat(stored("{\"t\":\"input-start\",\"id\":\"c\",\"name\":\"t\"}"))
                .isEqualTo(new ToolInputStarted(new Call(-1, "c", "c"), "t"));
    }

    @Test
    void aKindThatIsNotKnownIsKeptAsItIs() {
        ChatEvent event = stored("{\"t\":\"brand-new\",\"d\":{\"x\": 1.50}}");

        assertThat(event).isEqualTo(new Unknown("{\"t\":\"brand-new\",\"d\":{\"x\": 1.50}}"));
        assertThat(codec.isLast(event)).isFalse();
    }

    @Test
    void whatHasNoKindIsADefectAndNotSilence() {
        assertThatIllegalStateException().isThrownBy(() -> stored("{\"d\":\"x\"}")).withMessageContaining("no kind");
    }

    @Test
    void whatIsWrittenIsJson() throws Exception {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        for (ChatEvent event : RecordedAnswer.journalled("agents/80a-chat-two-approvals")) {
            lines.write(codec.encode(event));
            lines.write('\n');
        }

        assertThat(lines.toString(UTF_8).lines()).allMatch(line -> line.startsWith("{\"t\":\"") && line.endsWith("}"));
    }
}
