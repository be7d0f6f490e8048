import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { EventSource } from 'eventsource';
import { script } from './common.mjs';

const options = { 'drop-after': { type: 'string' }, retry: { type: 'string' } };

/**
 * Reads until the reader closes for good, which a 204 or an error status brings about. A stream that rightly stays
 * open, at an approval for instance, is reported with `closed: false` shortly before the time is up.
 */
async function read(url, key, maxMs) {
  const [events, connections, errors] = [[], [], []];
  const source = new EventSource(url, {
    fetch: async (input, init) => {
      const headers = { ...init.headers, authorization: `Bearer ${key}` };
      const connection = { lastEventId: new Headers(headers).get('last-event-id'), status: null };
      connections.push(connection);
      const response = await fetch(input, { ...init, headers });
      connection.status = response.status;
      return response;
    },
  });
  source.onmessage = ({ lastEventId, data }) => events.push({ id: lastEventId, data });
  await new Promise((resolve) => {
    setTimeout(resolve, maxMs * 0.9);
    source.onerror = ({ code, message }) => {
      errors.push({ code: code ?? null, message: message ?? null });
      if (source.readyState === EventSource.CLOSED) resolve();
    };
  });
  const closed = source.readyState === EventSource.CLOSED;
  source.close();
  return { events, connections, closed, errors };
}

/**
 * Stands between reader and server, and cuts every connection after so many messages, right behind the last one's
 * blank line. A `retry` goes out first on each connection: without one the reader waits three seconds.
 */
async function proxy(target, dropAfter, retry) {
  const url = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, host: url.host };
    const upstream = request(new URL(incoming.url, url), { headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      if (retry !== undefined && answer.statusCode === 200) outgoing.write(`retry: ${retry}\n\n`);
      outgoing.flushHeaders();
      const messages = new MessageCounter();
      answer.on('data', (bytes) => {
        const end = messages.endOf(bytes, dropAfter);
        if (end < 0) {
          outgoing.write(bytes);
        } else {
          answer.removeAllListeners('data');
          outgoing.write(bytes.subarray(0, end), () => outgoing.socket?.destroy());
        }
      });
      answer.on('end', () => outgoing.end());
      answer.on('error', () => outgoing.socket?.destroy());
    });
    upstream.on('error', () => outgoing.socket?.destroy());
    outgoing.on('close', () => upstream.destroy());
    upstream.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${server.address().port}${url.pathname}${url.search}`;
}

/** Counts blocks that have data; a comment or a lone `retry:` is no message. */
class MessageCounter {
  line = '';
  hasData = false;
  count = 0;

  /** Where in these bytes the n-th message of the connection ends, or -1. */
  endOf(bytes, n) {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== 0x0a) {
        if (this.line.length < 5) this.line += String.fromCharCode(bytes[i]);
        continue;
      }
      const blank = this.line === '' || this.line === '\r';
      if (blank && this.hasData && ++this.count === n) return i + 1;
      this.hasData = blank ? false : this.hasData || this.line === 'data:';
      this.line = '';
    }
    return -1;
  }
}

// Last, for it runs at once and a class has to stand before it is used.
await script('eventsource.mjs URL KEY [--drop-after N] [--retry MS]', 2, options, async ([url, key], values, maxMs) => {
  const dropAfter = Number(values['drop-after'] ?? Infinity);
  if (!(dropAfter >= 1)) throw new Error('--drop-after needs a number of messages, 1 or more');
  const proxied = 'drop-after' in values || 'retry' in values;
  return read(proxied ? await proxy(url, dropAfter, values.retry) : url, key, maxMs);
});
