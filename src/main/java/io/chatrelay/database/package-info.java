/** PostgreSQL as this service uses it: time-outs of connections, connections outside the pool, migrations, and the meaning of SQL errors. */
package io.chatrelay.database;
