/** A stand-in of the company's issuer. */
package io.chatrelay.support.access;
