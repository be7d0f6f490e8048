/** Stock clients and other programs that are not of this repository, and the pages of the documentation that they run. */
package io.chatrelay.support.clients;
