/** The rules for settings: every key has its range, an unknown key is detected, and both are checked before anything starts. */
package io.chatrelay.config;
