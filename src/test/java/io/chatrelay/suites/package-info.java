/**
 * The tests of the running service, in parts. Surefire gives a JVM one class after the other, and each begins the service anew; a suite
 * begins it once for all of its classes, and once more for each profile. A start costs twenty seconds of CPU, and tests wait most of the time: on
 * two cores fewer parts wait one after the other, and more are busy with their starts. The parts are divided by first letters, so that no class
 * is forgotten, about evenly by time, and so that the classes of a profile are in one part. The fifth part is begun by the
 * tests of {@code io.chatrelay.inkeep}, which need a service only for its REST client. A single class runs without them:
 * {@code -Dtest=CancelTest}.
 */
package io.chatrelay.suites;
