package io.quarkiverse.resteasy.problem.security;

/** Maps nothing, in the place of the library's class of this name. */
public final class AuthenticationFailedExceptionReactiveMapper {

    private AuthenticationFailedExceptionReactiveMapper() {}
}
