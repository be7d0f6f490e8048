/**
 * What a native image asks of the classes and cannot be seen where no GraalVM is: the rules are checked from bytecode, by the JDK alone,
 * for the classes of the service and for the libraries that come from outside of Quarkus' platform. {@code NativeSources} checks all that
 * {@code native-image} would be given. And what an image and a deployment ask of the service: that the files below {@code docker/} fit it.
 */
package io.chatrelay.build;
