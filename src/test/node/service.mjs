import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { textOf } from './common.mjs';

/** For one thing that a page waits for, on a machine that is busy with other tests. */
export const PATIENCE_MS = 60_000;

/** The way to the service, which can be cut: what it carries breaks, and nobody is let through before it is mended. */
export class Wire {
  sockets = new Set();
  isCut = false;
  /** Whether connections that are made now carry requests, and no answers. */
  isMute = false;
  connections = 0;

  static async to(target) {
    const wire = new Wire();
    const { hostname, port } = new URL(target);
    const server = createServer((caller) => {
      if (wire.isCut) return caller.resetAndDestroy();
      wire.connections += 1;
      const service = connect(port, hostname);
      for (const [one, other] of [[caller, service], [service, caller]]) {
        wire.sockets.add(one);
        if (one === service && wire.isMute) one.resume();
        else one.pipe(other);
        one.on('error', () => other.destroy()).on('close', () => (wire.sockets.delete(one), other.destroy()));
      }
      return undefined;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    wire.url = `http://127.0.0.1:${server.address().port}`;
    return wire;
  }

  cut() {
    this.isCut = true;
    this.sockets.forEach((socket) => socket.resetAndDestroy());
  }

  mend() {
    this.isCut = false;
  }
}

/** The service, as another client of the same caller sees it. */
export class Service {
  constructor(url, key) {
    Object.assign(this, { url, key });
  }

  async ask(path, init) {
    const headers = { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' };
    let response;
    // On a busy machine a service that has just started may say that it needs another moment.
    await until(path, async () => (response = await fetch(this.url + path, { ...init, headers })).status !== 503);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** Begins a turn, and leaves: it runs on. */
  async begin(conversationId, content) {
    const body = JSON.stringify({ conversationId, messages: [{ role: 'user', content }] });
    const response = await this.ask('/run/api/chat', { method: 'POST', body });
    const turn = response.headers.get('x-turn-id');
    await response.body.cancel();
    return turn;
  }

  async approve(conversationId) {
    const { approval } = await (await this.ask(`/run/v1/conversations/${conversationId}/pending-approvals`)).json();
    const body = JSON.stringify({ conversationId, toolCallId: approval.toolCallId, approved: true });
    await this.ask('/run/api/tool-approvals', { method: 'POST', body });
  }

  /** Whether a turn was begun in the conversation, which may be new. */
  async begun(id) {
    await until(`a turn in ${id}`, async () => {
      const { data } = await (await this.ask('/run/v1/conversations')).json();
      return data.some((conversation) => conversation.id === id);
    });
  }

  async ended(id) {
    await until(`the end of the turn in ${id}`, async () => {
      const conversation = await (await this.ask(`/run/v1/conversations/${id}`)).json();
      return conversation.runningTurn === undefined;
    });
  }

  async stored(id) {
    const { data } = await (await this.ask(`/run/v1/conversations/${id}/messages`)).json();
    return data.reverse().map((message) => ({ id: message.id, role: message.role, text: textOf(message) }));
  }
}

export async function until(what, done) {
  for (const end = Date.now() + PATIENCE_MS; !(await done()); ) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
