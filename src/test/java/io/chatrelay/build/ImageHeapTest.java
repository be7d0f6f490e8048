package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

import org.junit.jupiter.api.Test;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;

/** What static fields hold can be put into a native image. */
class ImageHeapTest {

    private static final String HOUSE = "io.chatrelay.";

    static final class Plain {

        static final Object NOTHING_SPECIAL = List.of("a", Map.of("b", 1L));
        /** Made anew each time. */
        static final Supplier<Random> RANDOM = Random::new;
    }

    static final class Declared {

        static final Buffer HEARTBEAT = Buffer.buffer("x");
        static Vertx later;
    }

    static final class Hidden {

        static final Object RANDOM = new SecureRandom();
        static final Map<String, List<Object>> DEEP = Map.of("k", List.of(new Object[]{ Buffer.buffer() }));
        static final Runnable CAPTURED = captured(new Random());

        private static Runnable captured(Object random) {
            return random::hashCode;
        }
    }

    static final class Indirect {

        record Holder(Next next) {}

        record Next(Thread thread) {}

        static Holder holder;
    }

    @Test
    void ofTheService() throws Exception {
        try (ClassPath classes = new ClassPath()) {
            assertThat(ImageHeap.faults(HOUSE, Production.initialised(classes.add(Production.CLASSES), false))).isEmpty();
        }
    }

    @Test
    void ofLibrariesFromOutsideOfThePlatform() throws Exception {
        try (ClassPath classes = new ClassPath()) {
            for (Path jar : Production.fromOutside()) {
                List<Class<?>> atBuildTime = Production.initialised(classes.add(jar), true).stream()
                        .filter(type -> !Production.isInitialisedAtRunTime(type)).toList();
                assertThat(ImageHeap.faults(HOUSE, atBuildTime)).as("%s", jar).isEmpty();
            }
        }
    }

    @Test
    void isLeftAloneWhereItIsPlainData() throws Exception {
        assertThat(faults(Plain.class)).isEmpty();
    }

    @Test
    void isFoundByTheDeclaredType() throws Exception {
        assertThat(faults(Declared.class)).containsExactlyInAnyOrder(
                Declared.class.getName() + ".HEARTBEAT may hold a io.vertx.core.buffer.Buffer",
                Declared.class.getName() + ".later may hold a io.vertx.core.Vertx");
        assertThat(faults(Indirect.class))
                .containsExactly(Indirect.class.getName() + ".holder.next.thread may hold a java.lang.Thread");
    }

    @Test
    void isFoundWhateverTheFieldSays() throws Exception {
        assertThat(faults(Hidden.class)).hasSize(3)
                .contains(Hidden.class.getName() + ".RANDOM holds a java.security.SecureRandom")
                .anyMatch(fault -> fault.startsWith(Hidden.class.getName() + ".DEEP[k][]"))
                .anyMatch(fault -> fault.startsWith(Hidden.class.getName() + ".CAPTURED"));
    }

    private static List<String> faults(Class<?> type) throws Exception {
        return ImageHeap.faults(HOUSE, Production.initialised(List.of(type.getName()), false));
    }
}
