/** What tests of the packaged service begin and end: processes, databases and proxies, and the callers that read many streams at once. */
package io.chatrelay.support.it;
