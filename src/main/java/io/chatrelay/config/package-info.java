/**
 * What a setting may be: every key has its range, a key that nobody reads is noticed, and both are found out before anything starts.
 */
package io.chatrelay.config;
