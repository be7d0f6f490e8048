package io.chatrelay.config;

import java.math.BigInteger;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;

import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.runtime.configuration.MemorySizeConverter;

/** The range of a {@link Between}. */
record Range(String least, String most) {

    /** The framework calls this wherever it builds a mapping: in dev mode, and in tests. */
    public static final class Validator implements ConstraintValidator<Between, Object> {

        private Range range;

        @Override
        public void initialize(Between between) {
            range = of(between);
        }

        @Override
        public boolean isValid(Object value, ConstraintValidatorContext context) {
            return range.contains(value);
        }
    }

    static Range of(Between between) {
        return new Range(between.least(), between.most());
    }

    /** A value that is not set is in every range. */
    boolean contains(Object value) {
        return switch (value) {
            case null -> true;
            case Optional<?> optional -> optional.isEmpty() || contains(optional.get());
            case OptionalInt optional -> optional.isEmpty() || contains(optional.getAsInt());
            case Duration duration ->
                    holds(duration, DurationConverter.parseDuration(least), DurationConverter.parseDuration(most));
            case MemorySize size -> holds(size.asBigInteger(), bytes(least), bytes(most));
            case Number number -> holds(number.longValue(), Long.valueOf(least), Long.valueOf(most));
            default -> throw new IllegalArgumentException("no range is known for a " + value.getClass().getName());
        };
    }

    private static BigInteger bytes(String size) {
        return new MemorySizeConverter().convert(size).asBigInteger();
    }

    private static <T extends Comparable<? super T>> boolean holds(T value, T least, T most) {
        return value.compareTo(least) >= 0 && value.compareTo(most) <= 0;
    }
}
