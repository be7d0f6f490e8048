/** Stand-ins of Inkeep: the emulator, recorded answers and cases, and the upstreams that tests of the running service have. */
package io.chatrelay.support.inkeep;
