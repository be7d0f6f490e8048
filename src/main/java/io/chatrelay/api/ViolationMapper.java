package io.chatrelay.api;

import java.util.Comparator;

import jakarta.annotation.Priority;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.ConstraintViolationException;
import jakarta.validation.ElementKind;
import jakarta.validation.Path;
import jakarta.ws.rs.ext.Provider;

import io.quarkiverse.resteasy.problem.ExceptionMapperBase;
import io.quarkiverse.resteasy.problem.HttpProblem;

/**
 * Maps a parameter that violates a constraint of its resource method to the problem that every invalid field has. If several do, the first of the
 * method names the field. The library's own mapper, which has priority 999, knows another form.
 */
@Provider
@Priority(998)
public class ViolationMapper extends ExceptionMapperBase<ConstraintViolationException> {

    @Override
    protected HttpProblem toProblem(ConstraintViolationException e) {
        ConstraintViolation<?> first = e.getConstraintViolations().stream()
                .min(Comparator.comparingInt(violation -> parameter(violation).getParameterIndex())).orElseThrow();
        return Problems.invalid(parameter(first).getName(), first.getMessage());
    }

    private static Path.ParameterNode parameter(ConstraintViolation<?> violation) {
        for (Path.Node node : violation.getPropertyPath()) {
            // The type does not tell: the nodes of Hibernate are of all kinds.
            if (node.getKind() == ElementKind.PARAMETER) {
                return node.as(Path.ParameterNode.class);
            }
        }
        // No other constraint is checked for a request: this is a defect.
        throw new IllegalStateException("a constraint of no parameter");
    }
}
