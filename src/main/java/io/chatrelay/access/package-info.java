/**
 * Authentication: every request except health, metrics and the API's description carries a key, and a key belongs to one caller of one
 * tenant. The package also limits what a connection may cost before its caller is known.
 */
package io.chatrelay.access;
