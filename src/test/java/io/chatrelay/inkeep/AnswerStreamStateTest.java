package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.inkeep.AnswerStreamState.Answered;
import io.chatrelay.inkeep.AnswerStreamState.BodyOver;
import io.chatrelay.inkeep.AnswerStreamState.Connecting;
import io.chatrelay.inkeep.AnswerStreamState.EndRead;
import io.chatrelay.inkeep.AnswerStreamState.HeadGiven;
import io.chatrelay.inkeep.AnswerStreamState.Lingering;
import io.chatrelay.inkeep.AnswerStreamState.NotBegun;
import io.chatrelay.inkeep.AnswerStreamState.Opening;
import io.chatrelay.inkeep.AnswerStreamState.Over;
import io.chatrelay.inkeep.AnswerStreamState.Reading;
import io.chatrelay.inkeep.AnswerStreamState.Sent;
import io.chatrelay.inkeep.AnswerStreamState.Waiting;
import io.chatrelay.inkeep.RetryPolicy.Attempt;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/** The table of an answer stream's states and transitions: whatever is not in it is refused with the names of both. */
class AnswerStreamStateTest {

    private static final HttpClientRequest REQUEST = ScriptedConnection.proxy(HttpClientRequest.class, Map.of());
    private static final HttpClientResponse RESPONSE = ScriptedConnection.proxy(HttpClientResponse.class, Map.of());
    private static final AnswerDecoder DECODER = RecordedAnswer.agents(null);
    private static final PendingRequest PENDING = new PendingRequest(null, null, null);
    private static final Attempt FIRST = Attempt.first();
    private static final Attempt SECOND = new Attempt(2, null);
    private static final long NOW = 7;
    private static final long TIMER = 3;

    private static final NotBegun NOT_BEGUN = new NotBegun();
    private static final HeadGiven HEAD_GIVEN = new HeadGiven(PENDING, RESPONSE);
    private static final Connecting CONNECTING = new Connecting(FIRST);
    private static final Sent SENT = new Sent(FIRST, REQUEST);
    private static final Answered ANSWERED = new Answered(FIRST);
    private static final Waiting WAITING = new Waiting(SECOND);
    private static final Opening OPENING = new Opening(REQUEST, RESPONSE);
    private static final Reading READING = new Reading(REQUEST, RESPONSE, DECODER, false, null, -1);
    private static final Reading FETCHING = new Reading(REQUEST, RESPONSE, DECODER, true, 5L, TIMER);
    private static final EndRead END_READ = new EndRead(REQUEST, RESPONSE, true, -1);
    private static final BodyOver GOES_ON = new BodyOver(false);
    private static final BodyOver ENDED = new BodyOver(true);
    private static final Lingering LINGERING = new Lingering(REQUEST);
    private static final Over OVER = new Over();

    private static final List<AnswerStreamState> STATES = List.of(NOT_BEGUN, HEAD_GIVEN, CONNECTING, SENT, ANSWERED, WAITING,
            OPENING, READING, FETCHING, END_READ, GOES_ON, ENDED, LINGERING, OVER);

    private static final Map<String, UnaryOperator<AnswerStreamState>> TRANSITIONS = new LinkedHashMap<>();
    static {
        TRANSITIONS.put("begin", AnswerStreamState::begin);
        TRANSITIONS.put("connected", from -> from.connected(REQUEST));
        TRANSITIONS.put("streams", from -> from.streams(RESPONSE));
        TRANSITIONS.put("answered", AnswerStreamState::answered);
        TRANSITIONS.put("waitsToRetry", from -> from.waitsToRetry(SECOND));
        TRANSITIONS.put("retry", AnswerStreamState::retry);
        TRANSITIONS.put("readElsewhere", AnswerStreamState::readElsewhere);
        TRANSITIONS.put("decodedBy", from -> from.decodedBy(DECODER));
        TRANSITIONS.put("fetching", from -> from.fetching(NOW));
        TRANSITIONS.put("bytesArrived", AnswerStreamState::bytesArrived);
        TRANSITIONS.put("frameArrived", AnswerStreamState::frameArrived);
        TRANSITIONS.put("watchedBy", from -> from.watchedBy(TIMER));
        TRANSITIONS.put("endDecoded completed", from -> from.endDecoded(true));
        TRANSITIONS.put("endDecoded", from -> from.endDecoded(false));
        TRANSITIONS.put("bodyEnded", AnswerStreamState::bodyEnded);
        TRANSITIONS.put("closed", AnswerStreamState::closed);
    }

    private record Legal(AnswerStreamState from, String transition, AnswerStreamState to) {}

    private static final List<Legal> LEGAL = List.of(
            new Legal(NOT_BEGUN, "begin", CONNECTING), new Legal(NOT_BEGUN, "closed", OVER),
            new Legal(HEAD_GIVEN, "begin", new Opening(null, RESPONSE)), new Legal(HEAD_GIVEN, "closed", OVER),
            new Legal(CONNECTING, "connected", SENT), new Legal(CONNECTING, "waitsToRetry", WAITING),
            new Legal(CONNECTING, "endDecoded", ENDED), new Legal(CONNECTING, "endDecoded completed", ENDED),
            new Legal(CONNECTING, "closed", OVER),
            new Legal(SENT, "streams", OPENING), new Legal(SENT, "answered", ANSWERED),
            new Legal(SENT, "waitsToRetry", WAITING),
            new Legal(SENT, "endDecoded", ENDED), new Legal(SENT, "endDecoded completed", ENDED),
            new Legal(SENT, "closed", OVER),
            new Legal(ANSWERED, "waitsToRetry", WAITING), new Legal(ANSWERED, "readElsewhere", GOES_ON),
            new Legal(ANSWERED, "endDecoded", ENDED), new Legal(ANSWERED, "endDecoded completed", ENDED),
            new Legal(ANSWERED, "closed", OVER),
            new Legal(WAITING, "retry", new Connecting(SECOND)), new Legal(WAITING, "closed", OVER),
            new Legal(OPENING, "decodedBy", READING), new Legal(OPENING, "closed", LINGERING),
            new Legal(READING, "fetching", new Reading(REQUEST, RESPONSE, DECODER, true, NOW, -1)),
            new Legal(READING, "bytesArrived", READING), new Legal(READING, "frameArrived", READING),
            new Legal(READING, "watchedBy", new Reading(REQUEST, RESPONSE, DECODER, false, null, TIMER)),
            new Legal(READING, "endDecoded completed", END_READ),
            new Legal(READING, "endDecoded", new EndRead(REQUEST, RESPONSE, false, -1)),
            new Legal(READING, "bodyEnded", GOES_ON), new Legal(READING, "closed", LINGERING),
            new Legal(FETCHING, "bytesArrived", new Reading(REQUEST, RESPONSE, DECODER, false, 5L, TIMER)),
            new Legal(FETCHING, "frameArrived", new Reading(REQUEST, RESPONSE, DECODER, true, null, TIMER)),
            new Legal(FETCHING, "watchedBy", FETCHING),
            new Legal(FETCHING, "endDecoded completed", new EndRead(REQUEST, RESPONSE, true, TIMER)),
            new Legal(FETCHING, "endDecoded", new EndRead(REQUEST, RESPONSE, false, TIMER)),
            new Legal(FETCHING, "bodyEnded", GOES_ON), new Legal(FETCHING, "closed", LINGERING),
            new Legal(END_READ, "bodyEnded", ENDED), new Legal(END_READ, "closed", LINGERING),
            new Legal(GOES_ON, "endDecoded", ENDED), new Legal(GOES_ON, "endDecoded completed", ENDED),
            new Legal(GOES_ON, "closed", OVER), new Legal(ENDED, "closed", OVER),
            new Legal(LINGERING, "bodyEnded", OVER), new Legal(LINGERING, "closed", LINGERING),
            new Legal(OVER, "closed", OVER));

    static Stream<Arguments> table() {
        return STATES.stream().flatMap(from -> TRANSITIONS.keySet().stream().map(transition -> Arguments.of(from, transition)));
    }

    @ParameterizedTest
    @MethodSource("table")
    void aTransitionLeadsToItsStateOrIsRefused(AnswerStreamState from, String transition) {
        UnaryOperator<AnswerStreamState> step = TRANSITIONS.get(transition);
        LEGAL.stream().filter(legal -> legal.from().equals(from) && legal.transition().equals(transition)).findFirst()
                .ifPresentOrElse(legal -> assertThat(step.apply(from)).isEqualTo(legal.to()),
                        () -> assertThatThrownBy(() -> step.apply(from)).isInstanceOf(IllegalStateException.class)
                                .hasMessage("%s cannot follow %s".formatted(transition.split(" ")[0],
                                        from.getClass().getSimpleName())));
    }

    @Test
    void afterAPartOfAFrameThatFrameIsAwaitedSinceTheFirstFetch() {
        assertThat(FETCHING.bytesArrived().fetching(NOW)).isEqualTo(FETCHING);
        assertThat(FETCHING.awaitedSince(NOW)).isEqualTo(5);
        assertThat(READING.awaitedSince(NOW)).isEqualTo(NOW);
    }

    @Test
    void onlyAnAttemptHasANumber() {
        assertThat(List.of(CONNECTING, SENT, ANSWERED)).extracting(AnswerStreamState::attempt).containsOnly(FIRST);
        assertThatThrownBy(WAITING::attempt).hasMessage("attempt cannot follow Waiting");
        assertThatThrownBy(END_READ::attempt).hasMessage("attempt cannot follow EndRead");
    }

    @Test
    void eventsAfterTheEndAreDropped() {
        assertThat(STATES).filteredOn(AnswerStreamState::hasEnd).containsExactly(END_READ, ENDED, LINGERING, OVER);
    }
}
