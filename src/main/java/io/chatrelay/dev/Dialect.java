package io.chatrelay.dev;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import io.chatrelay.dev.Answer.Reply;

/** How one of the two APIs puts what a script says. A dialect speaks one answer: it holds its ids. */
sealed interface Dialect permits AgentsDialect, CloudDialect {

    /** The pace of the recorded answers, in milliseconds. */
    record Pace(long beforeFirst, long perWord, long beforeEnd) {}

    Pace pace();

    /** What the fake model says to anything that is no keyword. */
    String ordinaryText(Turn turn);

    Stream<Step> open();

    /** One word with the white space before it. */
    Stream<Step> word(String word);

    /** What must come before a bare {@link #delta}. */
    Stream<Step> openText();

    /** One event with text, and nothing round it. */
    String delta(String text);

    Stream<Step> closeText();

    /** A piece of what the model thinks aloud, which is no part of the answer's text. */
    Stream<Step> thought(String piece);

    /** The end of an answer that succeeded. */
    Stream<Step> complete();

    /** The end of an answer whose model failed. */
    Stream<Step> fail();

    /** The end of an answer in the API's other form of error, where it has one. */
    Stream<Step> failOtherwise();

    /** The end of an answer that a content filter stopped. */
    Stream<Step> filtered();

    /** An error before the stream, in the API's shape. */
    Reply problem(int status, String message);

    Reply contextTooLong();

    /** The folder of the recordings that are meant when none is named. */
    String folder();

    /** What this API alone answers to a text; empty if it has nothing of its own to say. */
    Optional<Answer> own(Turn turn);

    /** The JSON that answers {@code stream:false}, from the events of the stream. */
    String whole(List<String> events);
}
