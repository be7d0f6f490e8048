package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.container.AsyncResponse;
import jakarta.ws.rs.core.Response;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.event.RawJson;
import io.quarkiverse.resteasy.problem.HttpProblem;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** What Jackson reads and writes is registered for reflection. */
class RegistrationsTest {

    private static final String HOUSE = "io.chatrelay.";

    record InResponse(String text) {}

    record InEntity(String text) {}

    record Resumed(List<Inside> all) {}

    record Inside(String text) {}

    record InProblem(String text) {}

    record Mapped(String text) {}

    record OneOfTwo(String text) {}

    record Returned(String text) {}

    record Taken(String text) {}

    record Read(String text) {}

    record NotWritten(String text) {

        static Mapped mapped(NotWritten other) {
            return new Mapped(other.text);
        }
    }

    @RegisterForReflection
    record Registered(String text) {}

    static final class Resource {

        Response inResponse() {
            InResponse reply = new InResponse("");
            return Response.ok(reply).build();
        }

        Response inEntity() {
            return Response.status(201).entity(new InEntity("")).build();
        }

        void resumed(AsyncResponse reply) {
            reply.resume(new Resumed(List.of()));
        }

        HttpProblem inProblem(List<NotWritten> open) {
            return HttpProblem.builder().with("one", Map.of("x", new InProblem("")))
                    .with("all", open.stream().map(NotWritten::mapped).toList()).with("text", open.getFirst().text()).build();
        }

        HttpProblem oneOfTwo(boolean which) {
            return HttpProblem.builder().with("one", which ? new OneOfTwo("") : "text").build();
        }

        @GET
        List<Returned> returned() {
            return List.of();
        }

        @POST
        void taken(Taken body) {}

        Read read(ObjectMapper json) throws IOException {
            return json.readValue("{}", Read.class);
        }

        Response registered() {
            return Response.ok(new Registered("")).build();
        }
    }

    static final class Hiding {

        Response hidden(Object what) {
            return Response.ok(what).build();
        }
    }

    @Test
    void ofTheService() throws Exception {
        try (ClassPath classes = new ClassPath()) {
            assertThat(Registrations.faults(HOUSE, classes.add(Production.CLASSES).stream().map(classes::bytes).toList(),
                    Set.of(RawJson.class))).isEmpty();
        }
    }

    @Test
    void isMissedWhereverItTravels() throws Exception {
        assertThat(faults(Resource.class)).extracting(fault -> fault.replaceAll(".*\\$(\\w+) is not registered.*", "$1"))
                .containsExactlyInAnyOrder("InResponse", "InEntity", "Resumed", "Inside", "InProblem", "Mapped", "OneOfTwo",
                        "Returned", "Taken", "Read");
    }

    @Test
    void cannotBeToldOfWhatIsHidden() throws Exception {
        assertThat(faults(Hiding.class)).singleElement().asString().contains("Hiding.hidden", "cannot be seen");
    }

    private static Set<String> faults(Class<?> type) throws Exception {
        Collection<byte[]> files = Stream.of(type, NotWritten.class).map(RegistrationsTest::file).toList();
        return Registrations.faults(HOUSE, files, Set.of());
    }

    private static byte[] file(Class<?> type) {
        try (InputStream in = type.getResourceAsStream(type.getName().replaceAll(".*\\.", "") + ".class")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
