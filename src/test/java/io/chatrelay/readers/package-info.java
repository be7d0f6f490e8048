/** Readers of server-sent events in plain Java, each as some stock client is: what a stream must be read by, whole or cut. */
package io.chatrelay.readers;
