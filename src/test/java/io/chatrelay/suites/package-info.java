/**
 * The tests of the running service, in as many parts as JVMs run beside each other. Surefire gives a JVM one class after the other, and each begins
 * the service anew; a suite begins it once for all of its classes, and once more for each profile. They are divided by first letters, so that
 * no class is forgotten, and about evenly by time. A single class runs without them: {@code -Dtest=CancelTest}.
 */
package io.chatrelay.suites;
