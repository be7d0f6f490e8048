/** PostgreSQL as this service uses it: time-outs of its connections, connections outside the pool, migrations, and what an SQL error means. */
package io.chatrelay.database;
