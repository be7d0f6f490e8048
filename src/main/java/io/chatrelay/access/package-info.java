/**
 * Who is calling: every call but health and its like carries a key, and a key belongs to one caller of one tenant; and what a
 * connection may cost before that is known.
 */
package io.chatrelay.access;
