/**
 * The tests of the running service, in three parts. Surefire gives a JVM one class after the other, and each begins the service anew; a suite
 * begins it once for all of its classes, and once more for each profile. A start costs twenty seconds of CPU, so more parts would take longer on
 * two cores, although tests wait most of the time. The parts are divided by first letters, so that no class is forgotten, about evenly by time,
 * and so that the classes of a profile are in one part. A single class runs without them: {@code -Dtest=CancelTest}.
 */
package io.chatrelay.suites;
