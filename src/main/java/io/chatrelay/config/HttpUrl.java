package io.chatrelay.config;

import static java.lang.annotation.ElementType.METHOD;
import static java.lang.annotation.RetentionPolicy.RUNTIME;

import java.lang.annotation.Retention;
import java.lang.annotation.Target;
import java.net.URI;
import java.net.URISyntaxException;

import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;

/** A setting that is the address of an HTTP server. */
@Retention(RUNTIME)
@Target(METHOD)
@Constraint(validatedBy = HttpUrl.Validator.class)
public @interface HttpUrl {

    String message() default "must be an http or https URL";

    Class<?>[] groups() default {};

    Class<? extends Payload>[] payload() default {};

    /** Its rule. */
    final class Validator implements ConstraintValidator<HttpUrl, URI> {

        @Override
        public boolean isValid(URI value, ConstraintValidatorContext context) {
            return contains(value);
        }

        /** Whether the text of a setting that is not mapped is such an address. */
        public static boolean isHttpUrl(String value) {
            try {
                return contains(new URI(value));
            } catch (URISyntaxException e) {
                return false;
            }
        }

        static boolean contains(URI value) {
            return value.getHost() != null && ("http".equals(value.getScheme()) || "https".equals(value.getScheme()));
        }
    }
}
