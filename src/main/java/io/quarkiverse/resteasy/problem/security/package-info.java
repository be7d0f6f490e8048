/**
 * Two classes of quarkus-resteasy-problem 3.21.0, replaced: its own read a field that this Quarkus no longer has. A native image does not
 * link so, and a refused caller would be a {@link java.lang.NoSuchFieldError}. The extension names both at build time, so there have to be
 * such classes; {@code quarkus.class-loading.removed-resources} takes its own away, and {@code io.chatrelay.api.AuthenticationErrors}
 * answers instead. This package goes when a version that fits can be had.
 */
package io.quarkiverse.resteasy.problem.security;
