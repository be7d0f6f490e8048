/** How a defect of this service is logged. */
package io.chatrelay.defect;
