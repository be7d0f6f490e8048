import { randomUUID } from 'node:crypto';
import { aiAliases, loadAi, script, textOf } from './common.mjs';

const usage = 'chat.mjs BASEURL KEY send TEXT... | resume TEXT | reload TEXT | edit TEXT NEWTEXT | error TEXT [--ai ALIAS] [--id ID]';
const options = { ai: { type: 'string' }, id: { type: 'string' } };

/** What an app does with the SDK's own chat; each answers what its user would see. */
const scenarios = {
  async send(app, ...texts) {
    const chat = app.open();
    const turns = [];
    for (const text of texts) {
      await chat.sendMessage({ text });
      turns.push({ text, answer: answerOf(chat), ...app.seen(chat) });
    }
    return { turns, ...app.seen(chat) };
  },

  /** A page that is left in mid-answer and opened again. */
  async resume(app, text) {
    const left = app.open();
    const sending = left.sendMessage({ text });
    await Promise.race([left.firstText, sending]);
    await left.stop();
    await sending;
    const partial = app.seen(left);

    const stored = await app.load();
    const chat = app.open(stored);
    await chat.resumeStream();
    return { partial, stored, ...app.seen(chat), answer: answerOf(chat) };
  },

  /** A page that is opened again after the answer, and whose user asks for another one. */
  async reload(app, text) {
    const first = app.open();
    await first.sendMessage({ text });
    const before = app.seen(first);

    const stored = await app.load();
    const chat = app.open(stored);
    await chat.resumeStream();
    const resumed = app.seen(chat);
    await chat.regenerate();
    return { before, stored, resumed, ...app.seen(chat), answer: answerOf(chat) };
  },

  async edit(app, text, newText) {
    if (newText === undefined) throw new Error(`usage: ${usage}`);
    const chat = app.open();
    await chat.sendMessage({ text });
    const before = app.seen(chat);
    await chat.sendMessage({ text: newText, messageId: chat.messages.find((message) => message.role === 'user').id });
    return { before, ...app.seen(chat), answer: answerOf(chat) };
  },

  async error(app, text) {
    const chat = app.open();
    await chat.sendMessage({ text });
    return { ...app.seen(chat), partialText: answerOf(chat) };
  },
};

/** The text that stands below the user's last message. */
function answerOf(chat) {
  const last = chat.messages.at(-1);
  return last?.role === 'assistant' ? textOf(last) : '';
}

/** One app: it opens the chat of one conversation, as often as its page is loaded. */
class App {
  requests = [];

  constructor(ai, baseUrl, key, id) {
    this.ai = ai;
    this.baseUrl = baseUrl.replace(/\/$/, '');
    this.headers = { authorization: `Bearer ${key}` };
    this.id = id;
  }

  open(messages = []) {
    let tellFirstText;
    const firstText = new Promise((resolve) => (tellFirstText = resolve));
    const state = new State(structuredClone(messages), (message) => {
      if (message.role === 'assistant' && textOf(message)) tellFirstText();
    });
    const api = `${this.baseUrl}/run/api/chat`;
    const fetch = (url, init) => this.fetch(url, init);
    const transport = new this.ai.DefaultChatTransport({ api, headers: this.headers, fetch });
    const chat = new this.ai.AbstractChat({
      id: this.id,
      state,
      transport,
      onFinish: ({ isAbort, isDisconnect, isError, finishReason = null }) =>
        (chat.finish = { isAbort, isDisconnect, isError, finishReason }),
    });
    return Object.assign(chat, { firstText, finish: null });
  }

  /** The messages as the server keeps them, oldest first; the API lists the newest first. */
  async load() {
    const url = `${this.baseUrl}/run/v1/conversations/${encodeURIComponent(this.id)}/messages`;
    const response = await this.fetch(url, { method: 'GET', headers: this.headers });
    if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`);
    return (await response.json()).data.reverse();
  }

  seen(chat) {
    const { status, error, finish } = chat;
    return { messages: structuredClone(chat.messages), status, error: error?.message ?? null, finish };
  }

  async fetch(url, init) {
    const sent = init.body ? JSON.parse(init.body) : {};
    const request = { method: init.method, path: new URL(url).pathname, trigger: sent.trigger, messageId: sent.messageId };
    this.requests.push(request);
    const response = await fetch(url, init);
    request.status = response.status;
    for (const name of ['content-type', 'x-turn-id', 'x-conversation-id', 'x-vercel-ai-ui-message-stream']) {
      request[name] = response.headers.get(name);
    }
    return response;
  }
}

/** The ChatState of `useChat` without React: it replaces by a copy, so that a reader never sees a message change. */
class State {
  status = 'ready';
  error = undefined;

  constructor(messages, changed) {
    this.messages = messages;
    this.changed = changed;
  }

  pushMessage = (message) => {
    this.messages = [...this.messages, message];
    this.changed(message);
  };

  popMessage = () => {
    this.messages = this.messages.slice(0, -1);
  };

  replaceMessage = (index, message) => {
    this.messages = this.messages.with(index, this.snapshot(message));
    this.changed(message);
  };

  snapshot = (value) => structuredClone(value);
}

// Last, for it runs at once and a class has to stand before it is used.
await script(usage, 4, options, async ([baseUrl, key, scenario, ...texts], { ai: only, id }) => {
  if (!Object.hasOwn(scenarios, scenario)) throw new Error(`usage: ${usage}`);
  if (id && !only && aiAliases.length > 1) throw new Error('--id needs --ai: one conversation, one client');
  const results = {};
  for (const alias of only ? [only] : aiAliases) {
    const { ai, version } = await loadAi(alias);
    const app = new App(ai, baseUrl, key, id ?? `chat-${randomUUID()}`);
    results[alias] = { version, id: app.id, ...(await scenarios[scenario](app, ...texts)), requests: app.requests };
  }
  return results;
});
