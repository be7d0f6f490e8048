package io.chatrelay.chat;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;

import io.quarkus.runtime.configuration.MemorySize;

/** The range of a configured {@link MemorySize}; the service does not start with one beyond it. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = Bytes.Validator.class)
public @interface Bytes {

    long min();

    long max();

    String message() default "must be from {min} to {max} bytes";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};

    final class Validator implements ConstraintValidator<Bytes, MemorySize> {

        private Bytes range;

        @Override
        public void initialize(Bytes annotation) {
            range = annotation;
        }

        @Override
        public boolean isValid(MemorySize size, ConstraintValidatorContext context) {
            return size == null || size.asBigInteger().bitLength() < Long.SIZE && size.asLongValue() >= range.min()
                    && size.asLongValue() <= range.max();
        }
    }
}
