/**
 * Requests that nobody would write, made from the service's own OpenAPI document and a seed: each has to get a documented answer that is the
 * caller's mistake or a success, and none may be found in the log.
 */
package io.chatrelay.fuzz;
