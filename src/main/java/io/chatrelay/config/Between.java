package io.chatrelay.config;

import static java.lang.annotation.ElementType.METHOD;
import static java.lang.annotation.RetentionPolicy.RUNTIME;

import java.lang.annotation.Retention;
import java.lang.annotation.Target;

import jakarta.validation.Constraint;
import jakarta.validation.Payload;

/**
 * The inclusive range of a setting, in the notation that operators use: a number, a {@code Duration} such as {@code 200ms}, a {@code MemorySize} such
 * as {@code 64K}. The service does not start with a value outside the range.
 */
@Retention(RUNTIME)
@Target(METHOD)
@Constraint(validatedBy = Range.Validator.class)
public @interface Between {

    String least();

    String most();

    String message() default "must be between {least} and {most}";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};
}
