/** Who is calling: every call but health and its like carries a key, and a key belongs to one caller of one tenant. */
package io.chatrelay.access;
