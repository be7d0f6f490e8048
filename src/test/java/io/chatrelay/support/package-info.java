/** What tests stand on: the caller and the reader of the service, JSON, and what else tests of several packages use. */
package io.chatrelay.support;
